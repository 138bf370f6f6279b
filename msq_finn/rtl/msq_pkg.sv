`default_nettype none

/// Sizes shared by the lanes of a matrix-vector unit and by whoever lines their pipelines up.
package msq_pkg;

  // Row numbers and bit positions inside the tables of a row tree.
  typedef bit [15:0] index_t;

  // Rows that one level of 4:2 compression leaves of `rows`: each group of four, and a last group
  // of three, becomes two; one or two rows over pass.
  function automatic int unsigned level_rows(int unsigned rows);
    return 2 * level_groups(rows) + level_passed(rows);
  endfunction

  function automatic int unsigned level_groups(int unsigned rows);
    return rows / 4 + (rows % 4 == 3 ? 1 : 0);
  endfunction

  function automatic int unsigned level_passed(int unsigned rows);
    return rows % 4 == 3 ? 0 : rows % 4;
  endfunction

  // Register stages of a tree that reduces `rows` rows to two.
  function automatic int unsigned tree_depth(int unsigned rows);
    int unsigned left, depth;
    left = rows;
    depth = 0;
    while (left > 2) begin
      left = level_rows(left);
      depth++;
    end
    return depth;
  endfunction

  function automatic int unsigned min(int unsigned a, int unsigned b);
    return a < b ? a : b;
  endfunction

  function automatic int unsigned max(int unsigned a, int unsigned b);
    return a > b ? a : b;
  endfunction

  // Bits between the lanes of one DSP: products of narrow 4-bit weights span just under two steps.
  function automatic int unsigned dsp_spacing(int unsigned act_bits, bit act_signed);
    return act_bits + 3 - (act_signed ? 1 : 0);
  endfunction

  // Width of the multiplier port behind the pre-adder: DSP48E1, DSP48E2.
  function automatic int unsigned dsp_port_width(int unsigned version);
    return version == 1 ? 25 : 27;
  endfunction

  // 4-bit weights that fit side by side on that port.
  function automatic int unsigned dsp_packing(
      int unsigned version, int unsigned act_bits, bit act_signed);
    return 1 + (dsp_port_width(version) - 4) / dsp_spacing(act_bits, act_signed);
  endfunction

  // Cycles from operands to the inputs of the accumulator: at least one.
  function automatic int unsigned lut_lane_depth(int unsigned simd);
    return max(1, tree_depth(2 * simd));
  endfunction

  // The DSPs take four, then the trees of a pack's fields, then the merge with their carries.
  function automatic int unsigned dsp_lane_depth(
      int unsigned simd, int unsigned act_bits, bit act_signed);
    int unsigned pairs, spacing;
    pairs = (simd + 1) / 2;
    spacing = dsp_spacing(act_bits, act_signed);
    return 4 + tree_depth(pairs) + tree_depth(dsp_merge_rows(pairs, spacing));
  endfunction

  function automatic int unsigned carry_bits(int unsigned pairs);
    return $clog2(3 * pairs + 1);
  endfunction

  // A lane adds its own carries above its fields and takes its neighbour's from their low end. Both
  // share rows where they do not overlap.
  function automatic int unsigned dsp_merge_rows(int unsigned pairs, int unsigned spacing);
    return min(pairs, 2) * (carry_bits(pairs) > spacing ? 3 : 2);
  endfunction

  // Bits between two channels that share a DSP: they hold twice the largest sum of a window, of
  // either sign, which is what the cross products add up to.
  function automatic int unsigned channel_spacing(
      int unsigned window, int unsigned act_bits, bit act_signed, int unsigned weight_bits);
    int unsigned act_max, weight_max;
    act_max = act_signed ? 2 ** (act_bits - 1) : 2 ** act_bits - 1;
    weight_max = 2 ** (weight_bits - 1) - 1;
    return $clog2(4 * window * act_max * weight_max + 1);
  endfunction

  // Channels that share a DSP: two where both activations fit on its 18-bit port.
  function automatic int unsigned channel_packing(
      int unsigned window, int unsigned act_bits, bit act_signed, int unsigned weight_bits);
    return channel_spacing(window, act_bits, act_signed, weight_bits) + act_bits + 1 <= 18 ? 2 : 1;
  endfunction

endpackage

`default_nettype wire
