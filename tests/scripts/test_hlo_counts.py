import jax
import jax.numpy as jnp
import pytest

from scripts.benchmarks.hlo_counts import step_counts
from scripts.benchmarks.hlo_text import read_instruction, size

LOOP = """HloModule jit_epoch, is_scheduled=true

%fused_slice (param_0: f32[100,8], param_1: s32[]) -> f32[8] {
  %param_0 = f32[100,8]{1,0} parameter(0)
  %param_1 = s32[] parameter(1)
  %zero = s32[] constant(0)
  %cut = f32[1,8]{1,0} dynamic-slice(%param_0, %param_1, %zero), dynamic_slice_sizes={1,8}
  ROOT %row = f32[8]{0} bitcast(%cut)
}

%fused_write (param_0: f32[100,8], param_1: f32[8], param_2: s32[]) -> f32[100,8] {
  %param_0 = f32[100,8]{1,0} parameter(0)
  %param_1 = f32[8]{0} parameter(1)
  %row = f32[1,8]{1,0} bitcast(%param_1)
  %param_2 = s32[] parameter(2)
  %zero = s32[] constant(0)
  ROOT %new = f32[100,8]{1,0} dynamic-update-slice(%param_0, %row, %param_2, %zero)
}

%body (carried: (s32[], f32[100,8], f32[4,8])) -> (s32[], f32[100,8], f32[4,8]) {
  %carried = (s32[], f32[100,8]{1,0}, f32[4,8]{1,0}) parameter(0)
  %at = s32[] get-tuple-element(%carried), index=0
  %all = f32[100,8]{1,0} get-tuple-element(%carried), index=1
  %kernel = f32[4,8]{1,0} get-tuple-element(%carried), index=2
  %row = f32[8]{0} fusion(%all, %at), kind=kLoop, calls=%fused_slice
  %room = (f32[4]{0}, s8[1000]{0}) custom-call(%kernel, %row), custom_call_target="__cublas$gemm", \
backend_config={"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"]}}}
  %sum = f32[4]{0} get-tuple-element(%room), index=0
  %start = f32[4]{0} all-reduce-start(%sum), replica_groups={}, to_apply=%add
  %done = f32[4]{0} all-reduce-done(%start)
  %new = f32[100,8]{1,0} fusion(%all, %row, %at), kind=kInput, calls=%fused_write
  %copied = f32[4,8]{1,0} copy(%kernel)
  ROOT %next = (s32[], f32[100,8]{1,0}, f32[4,8]{1,0}) tuple(%at, %new, %copied)
}

ENTRY %main (given: (s32[], f32[100,8], f32[4,8])) -> (s32[], f32[100,8], f32[4,8]) {
  %given = (s32[], f32[100,8]{1,0}, f32[4,8]{1,0}) parameter(0)
  ROOT %while = (s32[], f32[100,8]{1,0}, /*index=2*/f32[4,8]{1,0}) while(%given), \
condition=%more, body=%body, backend_config={"known_trip_count":{"n":"7"}}
}
"""

BRANCHES = """HloModule jit_step

%short (p: f32[8]) -> f32[8] {
  %p = f32[8]{0} parameter(0)
  ROOT %copy.1 = f32[8]{0} copy(%p)
}

%long (q: f32[8]) -> f32[8] {
  %q = f32[8]{0} parameter(0)
  %copy.2 = f32[8]{0} copy(%q)
  ROOT %copy.3 = f32[8]{0} copy(%copy.2)
}

%turn (r: f32[8]) -> f32[8] {
  %r = f32[8]{0} parameter(0)
  ROOT %negate = f32[8]{0} negate(%r)
}

%body (s: f32[8]) -> f32[8] {
  %s = f32[8]{0} parameter(0)
  %which = s32[]{:T(128)} add(%a, %b)
  %chosen = f32[8]{0} conditional(%which, %s, %s), branch_computations={%short, %long}
  ROOT %turned = f32[8]{0} while(%chosen), body=%turn, \
backend_config={"known_trip_count":{"n":"5"}}
}

ENTRY %main (t: f32[8]) -> f32[8] {
  %t = f32[8]{0} parameter(0)
  ROOT %steps = f32[8]{0} while(%t), condition=%more, body=%body
}
"""


def test_launches_of_a_turn_by_kind():
    counts = step_counts(LOOP)
    assert counts.launches == {"fusion": 2, "product": 1, "collective": 1, "copy": 1}
    assert counts.total == 5


def test_products_count_two_operations_for_each_multiplication():
    assert step_counts(LOOP).flops == 2 * 4 * 8


def test_of_an_operand_that_a_slice_is_taken_from_the_slice_counts():
    row, kernel, index = 4 * 8, 4 * 4 * 8, 4
    read = row + index + row  # the slice, and what it is written to
    product = kernel + row + 4 * 4  # but not the room that the library works in
    update = row + index + row  # what is updated in place is neither read nor written whole
    assert step_counts(LOOP).bytes == read + product + 2 * 4 * 4 + update + 2 * kernel


def test_the_largest_branch_counts_and_inner_loops_count_as_often_as_they_turn():
    counts = step_counts(BRANCHES)
    assert counts.launches == {"copy": 2, "conditional": 1, "negate": 5, "scalar": 1}
    assert counts.total == 8  # a TPU computes scalars beside the others


def test_what_lies_in_fast_memory_is_not_read_from_main_memory():
    shape = "(f32[4,8]{1,0:T(8,128)S(1)}, /*index=1*/bf16[6]{0:T(256)}, pred[3]{0}, token[])"
    assert size(shape) == 2 * 6 + 3


def test_shapes_with_brackets_in_their_layouts_are_read_whole():
    line = '  ROOT %a.1 = (f32[8]{0:T(8,128)(2,1)}, s32[]) custom-call(%b, %c.2), target="d(e)"'
    found = read_instruction(line)
    assert found.root
    assert (found.name, found.opcode, found.operands) == ("a.1", "custom-call", ["b", "c.2"])
    assert found.shape == "(f32[8]{0:T(8,128)(2,1)}, s32[])"
    assert found.rest == ', target="d(e)"'


def test_of_a_program_that_this_jax_compiles():
    def program(x, kernels):
        return jax.lax.scan(lambda x, kernel: (jnp.sin(x @ kernel), x[0]), x, kernels)

    shapes = jax.ShapeDtypeStruct((16, 32), jnp.float32), jax.ShapeDtypeStruct((9, 32, 32), "f4")
    counts = step_counts(jax.jit(program).lower(*shapes).compile().as_text())
    assert counts.flops == pytest.approx(2 * 16 * 32 * 32)
    assert counts.launches["product"] == 1
