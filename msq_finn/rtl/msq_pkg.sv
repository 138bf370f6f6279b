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

  // What carry chains and the LUTs before them are built of: portable code, CARRY4 or CARRY8.
  // Versal has neither: its carries have to be inferred.
  typedef enum bit [1:0] {Portable, Series7, UltraScale} fabric_e;

  function automatic fabric_e fabric(int unsigned dsp_version, bit use_primitives);
    if (!use_primitives || dsp_version > 2) return Portable;
    return dsp_version == 1 ? Series7 : UltraScale;
  endfunction

  // Ports of a DSP slice: the multiplier's behind the pre-adder, its other one, and the sum's.
  // Versions are 1: DSP48E1, 2: DSP48E2, 3: DSP58.
  function automatic int unsigned dsp_weight_port(int unsigned version);
    return version == 1 ? 25 : 27;
  endfunction

  function automatic int unsigned dsp_act_port(int unsigned version);
    return version == 3 ? 24 : 18;
  endfunction

  function automatic int unsigned dsp_sum_port(int unsigned version);
    return version == 3 ? 58 : 48;
  endfunction

  // Bits that hold any product's magnitude, weights being narrow.
  function automatic int unsigned dsp_product_bits(
      int unsigned weight_bits, int unsigned act_bits, bit act_signed);
    return weight_bits + act_bits - 1 - (act_signed ? 1 : 0);
  endfunction

  // Weights that fit side by side on a DSP's port, a product apart.
  function automatic int unsigned dsp_packing(
      int unsigned version, int unsigned weight_bits, int unsigned act_bits, bit act_signed);
    return 1 + (dsp_weight_port(version) - weight_bits)
        / dsp_product_bits(weight_bits, act_bits, act_signed);
  endfunction

  // Whether as many fit where each lane has bits of its own for a sum of two products.
  function automatic bit dsp_apart(
      int unsigned version, int unsigned weight_bits, int unsigned act_bits, bit act_signed);
    return weight_bits + (dsp_packing(version, weight_bits, act_bits, act_signed) - 1)
        * (dsp_product_bits(weight_bits, act_bits, act_signed) + 2) <= dsp_weight_port(version);
  endfunction

  // Bits between the lanes of one DSP.
  function automatic int unsigned dsp_spacing(
      int unsigned version, int unsigned weight_bits, int unsigned act_bits, bit act_signed);
    return dsp_product_bits(weight_bits, act_bits, act_signed)
        + (dsp_apart(version, weight_bits, act_bits, act_signed) ? 2 : 0);
  endfunction

  // Kinds of DSP lanes, in the order of their lanes: Fixed(4), 3, 5, 6, 7, 8.
  localparam int unsigned DspKinds = 6;

  function automatic int unsigned dsp_code_bits(int unsigned kind);
    return kind == 0 ? 4 : kind == 1 ? 3 : kind + 3;
  endfunction

  // How many lanes there are of a kind of DSP lanes, given those of the first kind and, 16 bits
  // each, of the others.
  function automatic int unsigned dsp_lanes_of(int unsigned kind, int unsigned first,
                                               logic [(DspKinds-1)*16-1:0] others);
    return kind == 0 ? first : int'(others[(kind-1)*16+:16]);
  endfunction

  // DSP lanes of the kinds before a kind, and the bits of one code on each of them.
  function automatic int unsigned dsp_lanes_before(int unsigned kind, int unsigned first,
                                                   logic [(DspKinds-1)*16-1:0] others);
    int unsigned lanes;
    lanes = 0;
    for (int unsigned k = 0; k < kind; k++) lanes += dsp_lanes_of(k, first, others);
    return lanes;
  endfunction

  function automatic int unsigned dsp_bits_before(int unsigned kind, int unsigned first,
                                                  logic [(DspKinds-1)*16-1:0] others);
    int unsigned total;
    total = 0;
    for (int unsigned k = 0; k < kind; k++) begin
      total += dsp_code_bits(k) * dsp_lanes_of(k, first, others);
    end
    return total;
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

  // Bits of the widest code on DSP lanes, four at least.
  function automatic int unsigned dsp_widest_code(int unsigned first,
                                                  logic [(DspKinds-1)*16-1:0] others);
    int unsigned bits;
    bits = 4;
    for (int unsigned k = 0; k < DspKinds; k++) begin
      if (dsp_lanes_of(k, first, others) != 0) bits = max(bits, dsp_code_bits(k));
    end
    return bits;
  endfunction

  // How many LUT lanes there are of the kinds before a kind, given those of the first two kinds
  // and, 16 bits each, of the others.
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

  // Columns that a carry passes in a cycle where sums accumulate, and the cycles that all of them
  // take.
  localparam int unsigned AccColumns = 16;

  function automatic int unsigned acc_depth(int unsigned acc_bits);
    return (acc_bits + AccColumns - 1) / AccColumns;
  endfunction

  // The DSPs take four, then the trees of a pack's fields, then the merge with their carries where
  // fields are not apart.
  function automatic int unsigned dsp_lane_depth(
      int unsigned version, int unsigned simd, int unsigned weight_bits, int unsigned act_bits,
      bit act_signed);
    int unsigned pairs, merged;
    pairs = (simd + 1) / 2;
    merged = dsp_apart(version, weight_bits, act_bits, act_signed) ? 1
        : dsp_merge_rows(pairs, dsp_spacing(version, weight_bits, act_bits, act_signed));
    return 4 + tree_depth(pairs) + tree_depth(merged);
  endfunction

  // Lanes of several kinds keep step with the deepest.
  function automatic int unsigned dsp_depth(
      int unsigned version, int unsigned simd, int unsigned act_bits, bit act_signed,
      int unsigned first, logic [(DspKinds-1)*16-1:0] others);
    int unsigned depth;
    depth = 0;
    for (int unsigned k = 0; k < DspKinds; k++) begin
      if (dsp_lanes_of(k, first, others) != 0) begin
        depth = max(depth, dsp_lane_depth(version, simd, dsp_code_bits(k), act_bits, act_signed));
      end
    end
    return depth;
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

  // Channels that share a DSP: two where both activations fit on the narrowest DSP's port.
  function automatic int unsigned channel_packing(
      int unsigned window, int unsigned act_bits, bit act_signed, int unsigned weight_bits);
    return channel_spacing(window, act_bits, act_signed, weight_bits) + act_bits + 1
        <= dsp_act_port(1) ? 2 : 1;
  endfunction

endpackage

`default_nettype wire
