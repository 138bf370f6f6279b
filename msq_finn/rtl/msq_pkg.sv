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

  // Bits that hold the sum of a chain's products, of either sign.
  function automatic int unsigned dsp_field_bits(
      int unsigned weight_bits, int unsigned act_bits, bit act_signed, int unsigned chain);
    return dsp_product_bits(weight_bits, act_bits, act_signed) + $clog2(chain) + 1;
  endfunction

  // Weights that fit side by side on a DSP's port: a field apart, or where two products add up,
  // which can do without, a product.
  function automatic int unsigned dsp_packing(
      int unsigned version, int unsigned weight_bits, int unsigned act_bits, bit act_signed,
      int unsigned chain);
    return 1 + (dsp_weight_port(version) - weight_bits)
        / (chain > 2 ? dsp_field_bits(weight_bits, act_bits, act_signed, chain)
           : dsp_product_bits(weight_bits, act_bits, act_signed));
  endfunction

  // Whether as many fit where each lane has a field of its own.
  function automatic bit dsp_apart(
      int unsigned version, int unsigned weight_bits, int unsigned act_bits, bit act_signed,
      int unsigned chain);
    return weight_bits + (dsp_packing(version, weight_bits, act_bits, act_signed, chain) - 1)
        * dsp_field_bits(weight_bits, act_bits, act_signed, chain) <= dsp_weight_port(version);
  endfunction

  // Bits between the lanes of one DSP.
  function automatic int unsigned dsp_spacing(
      int unsigned version, int unsigned weight_bits, int unsigned act_bits, bit act_signed,
      int unsigned chain);
    return dsp_apart(version, weight_bits, act_bits, act_signed, chain)
        ? dsp_field_bits(weight_bits, act_bits, act_signed, chain)
        : dsp_product_bits(weight_bits, act_bits, act_signed);
  endfunction

  // Chains of DSPs that a word of activations takes.
  function automatic int unsigned dsp_chains(int unsigned simd, int unsigned chain);
    return (simd + chain - 1) / chain;
  endfunction

  // DSPs in each of them, but for the last, which may be shorter: as few as that many chains can
  // have, to wait no longer than it takes.
  function automatic int unsigned dsp_chain_length(int unsigned simd, int unsigned chain);
    return max(2, (simd + dsp_chains(simd, chain) - 1) / dsp_chains(simd, chain));
  endfunction

  // Cycles that an element's operands wait for its DSP, so that its product meets the sum of the
  // DSP below, and all chains end together. DSPs that have one below, or stand alone, do one of
  // them themselves.
  function automatic int unsigned dsp_wait(
      int unsigned simd, int unsigned chain, int unsigned element);
    int unsigned length, place, used;
    length = dsp_chain_length(simd, chain);
    place  = element % length;
    used   = min(length, simd - (element - place));
    return length - used + place - (place != 0 || used == 1 ? 1 : 0);
  endfunction

  // How a lane multiplies: partial products of LUTs, DSP slices, or tables of constants.
  typedef enum bit [1:0] {Lut, Dsp, Constant} engine_e;

  // A partial product: the activation shifted as a field of the code says.
  typedef struct packed {
    bit [3:0]      base;     // column at which it starts
    bit [3:0]      added;    // columns beyond those of an activation
    bit            is_long;  // shifts by 0 to 6, in two steps
    bit [3:0]      low;      // lowest bit of the field
    bit [3:0]      bits;     // of the field
    bit [6:0][3:0] shifts;   // what the values from 1 on shift by; 0 gives none
  } partial_t;

  localparam int unsigned MaxPartials = 4;
  localparam int unsigned MaxGroups = 16;

  // While FIFO depths are looked for, only valid and ready count: units keep their control alone.
`ifdef MSQ_CONTROL_ONLY
  localparam int unsigned BuiltGroups = 0;
`else
  localparam int unsigned BuiltGroups = MaxGroups;
`endif

  // What a lane is; msq_finn/lanes writes such numbers down (hardware.py).
  typedef struct packed {
    engine_e                    engine;
    bit [7:0]                   products;   // what makes partial products, see product_rows.sv
    bit [3:0]                   code_bits;  // 0: the lane holds its weights
    bit [3:0]                   chain;      // DSPs that add up, at most
    bit [3:0]                   count;      // partial products
    partial_t [MaxPartials-1:0] partials;
  } lane_kind_t;

  // Lanes of one kind side by side. A layer's groups follow each other from lane 0 on.
  typedef struct packed {
    lane_kind_t kind;
    bit [15:0]  lanes;
  } lane_group_t;

  typedef lane_group_t [MaxGroups-1:0] lanes_t;

  // Lanes of the groups before a group, and the bits of one code on each of them.
  function automatic int unsigned lanes_before(lanes_t groups, int unsigned group);
    int unsigned lanes;
    lanes = 0;
    for (int unsigned g = 0; g < group; g++) lanes += int'(groups[g].lanes);
    return lanes;
  endfunction

  function automatic int unsigned code_bits_before(lanes_t groups, int unsigned group);
    int unsigned total;
    total = 0;
    for (int unsigned g = 0; g < group; g++) begin
      total += int'(groups[g].kind.code_bits) * int'(groups[g].lanes);
    end
    return total;
  endfunction

  function automatic int unsigned lanes_of(lanes_t groups, engine_e engine);
    int unsigned lanes;
    lanes = 0;
    for (int unsigned g = 0; g < MaxGroups; g++) begin
      if (groups[g].kind.engine == engine) lanes += int'(groups[g].lanes);
    end
    return lanes;
  endfunction

  // Bits of the widest code on lanes of an engine, four at least.
  function automatic int unsigned widest_code(lanes_t groups, engine_e engine);
    int unsigned bits;
    bits = 4;
    for (int unsigned g = 0; g < MaxGroups; g++) begin
      if (groups[g].lanes != 0 && groups[g].kind.engine == engine) begin
        bits = max(bits, int'(groups[g].kind.code_bits));
      end
    end
    return bits;
  endfunction

  // Register stages of a product's rows: long shifts take two LUTs before the tree.
  function automatic int unsigned row_delay(lane_kind_t kind);
    int unsigned delay;
    delay = 0;
    for (int unsigned r = 0; r < MaxPartials; r++) begin
      if (r < int'(kind.count) && kind.partials[r].is_long) delay = 1;
    end
    return delay;
  endfunction

  // Cycles from operands to the inputs of the accumulator: at least one.
  function automatic int unsigned lut_lane_depth(int unsigned simd, lane_kind_t kind);
    return max(1, row_delay(kind) + tree_depth(int'(kind.count) * simd));
  endfunction

  // LUT lanes of several kinds keep step with the deepest.
  function automatic int unsigned lut_depth(lanes_t groups, int unsigned simd);
    int unsigned depth;
    depth = 1;
    for (int unsigned g = 0; g < MaxGroups; g++) begin
      if (groups[g].lanes != 0 && groups[g].kind.engine == Lut) begin
        depth = max(depth, lut_lane_depth(simd, groups[g].kind));
      end
    end
    return depth;
  endfunction

  // Constant lanes keep step with the one that has most groups.
  function automatic int unsigned embedded_lane_depth(int unsigned groups, int unsigned act_bits);
    return max(1, tree_depth(groups * act_bits));
  endfunction

  // Columns that a carry passes in a cycle where sums accumulate, and the cycles that all of them
  // take.
  localparam int unsigned AccColumns = 16;

  function automatic int unsigned acc_depth(int unsigned acc_bits);
    return (acc_bits + AccColumns - 1) / AccColumns;
  endfunction

  // A chain of two DSPs takes four, then the trees of a pack's fields, then the merge with their
  // carries where fields are not apart.
  function automatic int unsigned dsp_lane_depth(
      int unsigned version, int unsigned simd, int unsigned weight_bits, int unsigned act_bits,
      bit act_signed, int unsigned chain);
    int unsigned chains, merged;
    chains = dsp_chains(simd, chain);
    merged = dsp_apart(version, weight_bits, act_bits, act_signed, chain) ? 1
        : dsp_merge_rows(chains, dsp_spacing(version, weight_bits, act_bits, act_signed, chain));
    return 2 + dsp_chain_length(simd, chain) + tree_depth(chains) + tree_depth(merged);
  endfunction

  // DSP lanes of several kinds keep step with the deepest.
  function automatic int unsigned dsp_depth(lanes_t groups, int unsigned version, int unsigned simd,
                                            int unsigned act_bits, bit act_signed);
    int unsigned depth;
    depth = 0;
    for (int unsigned g = 0; g < MaxGroups; g++) begin
      if (groups[g].lanes != 0 && groups[g].kind.engine == Dsp) begin
        depth = max(depth, dsp_lane_depth(version, simd, int'(groups[g].kind.code_bits), act_bits,
                                          act_signed, int'(groups[g].kind.chain)));
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
