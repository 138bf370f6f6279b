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

  // Kinds of LUT lanes that take codes, in the order of their lanes: the number system's name and
  // the bits of a code.
  typedef enum bit [3:0] {Sp2x4, Fixed4, Pot4, Apot4, Sp2x5, Sp2x6, Fixed6, Fixed8} lut_kind_e;

  localparam int unsigned LutKinds = 8;

  function automatic int unsigned code_bits(lut_kind_e kind);
    case (kind)
      Sp2x5:         return 5;
      Sp2x6, Fixed6: return 6;
      Fixed8:        return 8;
      default:       return 4;
    endcase
  endfunction

  function automatic bit is_fixed(lut_kind_e kind);
    return kind == Fixed4 || kind == Fixed6 || kind == Fixed8;
  endfunction

  // Rows of a product: a Booth digit or a power of two each.
  function automatic int unsigned row_count(lut_kind_e kind);
    if (is_fixed(kind)) return code_bits(kind) / 2;
    return kind == Pot4 ? 1 : 2;
  endfunction

  // The column at which a row starts.
  function automatic int unsigned row_base(lut_kind_e kind, int unsigned row);
    if (is_fixed(kind)) return 2 * row;
    if (row == 0 || kind == Sp2x5) return 0;
    return kind == Apot4 ? 1 : kind == Sp2x6 ? 4 : 2;
  endfunction

  // Columns of a row beyond those of an activation.
  function automatic int unsigned row_shift(lut_kind_e kind, int unsigned row);
    if (is_fixed(kind)) return 1;
    case (kind)
      Pot4:    return 6;
      Apot4:   return row == 0 ? 3 : 0;
      Sp2x5:   return 2;
      Sp2x6:   return row == 0 ? 6 : 2;
      default: return row == 0 ? 2 : 0;
    endcase
  endfunction

  // Whether a row shifts by up to six: in two steps, and without a constant of signed activations.
  function automatic bit is_long(lut_kind_e kind, int unsigned row);
    return row_shift(kind, row) == 6;
  endfunction

  // Register stages of a product's rows: long shifts take two LUTs before the tree.
  function automatic int unsigned row_delay(lut_kind_e kind);
    return is_long(kind, 0) ? 1 : 0;
  endfunction

  // How many LUT lanes there are of the kinds before a kind, given those of the first two kinds and,
  // 16 bits each, of the others.
  function automatic int unsigned pe_lut(int unsigned kind, int unsigned sp2, int unsigned fixed,
                                         logic [(LutKinds-2)*16-1:0] others);
    int unsigned lanes;
    lanes = 0;
    for (int unsigned k = 0; k < kind; k++) begin
      lanes += k == 0 ? sp2 : k == 1 ? fixed : int'(others[(k-2)*16+:16]);
    end
    return lanes;
  endfunction

  // The kind of a LUT lane.
  function automatic lut_kind_e lane_kind(int unsigned lane, int unsigned sp2, int unsigned fixed,
                                          logic [(LutKinds-2)*16-1:0] others);
    lut_kind_e kind;
    kind = Sp2x4;
    for (int unsigned k = 1; k < LutKinds; k++) begin
      if (lane >= pe_lut(k, sp2, fixed, others)) kind = lut_kind_e'(k);
    end
    return kind;
  endfunction

  // Bits of one code on each LUT lane before a lane.
  function automatic int unsigned lut_code_bits(int unsigned lane, int unsigned sp2,
                                                int unsigned fixed,
                                                logic [(LutKinds-2)*16-1:0] others);
    int unsigned total;
    total = 0;
    for (int unsigned i = 0; i < lane; i++) begin
      total += code_bits(lane_kind(i, sp2, fixed, others));
    end
    return total;
  endfunction

  // Cycles from operands to the inputs of the accumulator: at least one.
  function automatic int unsigned lut_lane_depth(int unsigned simd, lut_kind_e kind = Sp2x4);
    return max(1, row_delay(kind) + tree_depth(row_count(kind) * simd));
  endfunction

  // Lanes keep step with the one that has most groups.
  function automatic int unsigned embedded_lane_depth(int unsigned groups, int unsigned act_bits);
    return max(1, tree_depth(groups * act_bits));
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
