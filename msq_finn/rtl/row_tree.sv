`default_nettype none

/// Reduces unsigned rows to two with the same sum modulo 2^Width, one register stage a level.
///
/// Row r occupies the columns [Lo[r], Hi[r]). Each level compresses groups of four rows that end at
/// about the same column (a last group may have three) and hands the rows that result to the next.
/* verilator lint_off UNSIGNED */  // loops and tables may be empty

module row_tree
  import msq_pkg::*;
#(
  parameter int unsigned Rows = 4,
  parameter int unsigned Width = 8,
  parameter index_t [Rows-1:0] Lo = '0,
  parameter index_t [Rows-1:0] Hi = {Rows{index_t'(Width)}},
  parameter fabric_e Fabric = Portable
) (
  input  logic                       clk_i,
  input  logic                       en_i,
  input  logic [Rows-1:0][Width-1:0] rows_i,
  output logic [Width-1:0]           s_o,
  output logic [Width-1:0]           m_o
);

  typedef index_t [Rows-1:0] table_t;
  typedef index_t [level_rows(Rows)-1:0] next_table_t;

  localparam int unsigned Groups = level_groups(Rows);
  localparam int unsigned Next = level_rows(Rows);

  // Positions of the rows in ascending order of a key (stable).
  function automatic table_t sorted(table_t key);
    table_t order;
    int unsigned place;
    order = '0;
    for (int unsigned r = 0; r < Rows; r++) begin
      place = 0;
      for (int unsigned q = 0; q < Rows; q++) begin
        if (key[q] < key[r] || (key[q] == key[r] && q < r)) place++;
      end
      order[place] = index_t'(r);
    end
    return order;
  endfunction

  function automatic table_t permuted(table_t value, table_t order);
    table_t moved;
    moved = '0;
    for (int unsigned r = 0; r < Rows; r++) moved[r] = value[order[r]];
    return moved;
  endfunction

  // Rows are grouped by where they end, and lie in their group by where they start.
  function automatic table_t grouped();
    table_t by_end, key;
    by_end = sorted(Hi);
    key    = permuted(Lo, by_end);
    for (int unsigned r = 0; r < Rows; r++) key[r] += index_t'(r / 4 * (Width + 1));
    return permuted(by_end, sorted(key));
  endfunction

  localparam table_t Order = grouped();
  localparam table_t GroupedLo = permuted(Lo, Order);
  localparam table_t GroupedHi = permuted(Hi, Order);

  // Columns of a group that need compression: from the lowest that holds three rows to the top.
  function automatic int unsigned group_start(int unsigned g);
    return int'(GroupedLo[4*g+2]);
  endfunction

  function automatic int unsigned group_end(int unsigned g);
    int unsigned last;
    last = 0;
    for (int unsigned r = 4 * g; r < min(4 * g + 4, Rows); r++) begin
      last = max(last, int'(GroupedHi[r]));
    end
    return last;
  endfunction

  // Second highest end among the rows whose majority is taken: no majority lies above it.
  function automatic int unsigned majority_end(int unsigned g);
    int unsigned first, second;
    first = 0;
    second = 0;
    for (int unsigned r = 4 * g + 1; r < min(4 * g + 4, Rows); r++) begin
      if (int'(GroupedHi[r]) > first) begin
        second = first;
        first = int'(GroupedHi[r]);
      end else begin
        second = max(second, int'(GroupedHi[r]));
      end
    end
    return second;
  endfunction

  // The next level's rows: sums, majorities, rows that pass.
  function automatic next_table_t next_lo();
    next_table_t lo;
    lo = '0;
    for (int unsigned g = 0; g < Groups; g++) begin
      lo[g] = GroupedLo[4*g];
      lo[Groups+g] = int'(GroupedLo[4*g+1]) < group_start(g)
                   ? GroupedLo[4*g+1] : index_t'(group_start(g) + 1);
    end
    for (int unsigned r = 2 * Groups; r < Next; r++) lo[r] = GroupedLo[Rows-Next+r];
    return lo;
  endfunction

  function automatic next_table_t next_hi();
    next_table_t hi;
    hi = '0;
    for (int unsigned g = 0; g < Groups; g++) begin
      hi[g] = index_t'(min(Width, group_end(g) + 1));
      hi[Groups+g] = index_t'(min(Width, max(group_start(g), majority_end(g) + 1)));
    end
    for (int unsigned r = 2 * Groups; r < Next; r++) hi[r] = GroupedHi[Rows-Next+r];
    return hi;
  endfunction

  localparam next_table_t NextLo = next_lo();
  localparam next_table_t NextHi = next_hi();

  if (Rows == 1) begin : gen_one
    assign s_o = rows_i[0];
    assign m_o = '0;
  end else if (Rows == 2) begin : gen_two
    assign s_o = rows_i[0];
    assign m_o = rows_i[1];
  end else begin : gen_level
    logic [Rows-1:0][Width-1:0] rows;
    logic [Next-1:0][Width-1:0] next_d, next_q;

    for (genvar r = 0; r < Rows; r++) begin : gen_order
      assign rows[r] = rows_i[Order[r]];
    end

    for (genvar g = 0; g < Groups; g++) begin : gen_group
      // Below Start there are two rows at most: they pass side by side.
      localparam int unsigned Start = group_start(g);
      localparam int unsigned Columns = group_end(g) - Start;

      logic [Width-1:0]   a, b, c, d, s, m;
      logic [Columns:0]   sum;
      logic [Columns-1:0] majority;

      assign d = rows[4*g];
      assign a = rows[4*g+1];
      assign b = rows[4*g+2];
      if (4 * g + 3 < Rows) begin : gen_four
        assign c = rows[4*g+3];
      end else begin : gen_three
        assign c = '0;
      end

      row_compressor #(
        .Width        (Columns),
        .Fabric       (Fabric)
      ) u_compressor (
        .a_i(a[Start+:Columns]),
        .b_i(b[Start+:Columns]),
        .c_i(c[Start+:Columns]),
        .d_i(d[Start+:Columns]),
        .s_o(sum),
        .m_o(majority)
      );

      always_comb begin
        s = '0;
        m = '0;
        for (int unsigned k = 0; k < Start; k++) begin
          s[k] = d[k];
          m[k] = a[k];
        end
        for (int unsigned k = Start; k < int'(NextHi[g]); k++) s[k] = sum[k-Start];
        for (int unsigned k = Start + 1; k < int'(NextHi[Groups+g]); k++) begin
          m[k] = majority[k-Start-1];
        end
      end

      assign next_d[g]          = s;
      assign next_d[Groups + g] = m;
    end

    for (genvar r = 2 * Groups; r < Next; r++) begin : gen_pass
      assign next_d[r] = rows[Rows-Next+r];
    end

    always_ff @(posedge clk_i) begin
      if (en_i) next_q <= next_d;
    end

    row_tree #(
      .Rows         (Next),
      .Width        (Width),
      .Lo           (NextLo),
      .Hi           (NextHi),
      .Fabric       (Fabric)
    ) u_next (
      .clk_i,
      .en_i,
      .rows_i(next_q),
      .s_o,
      .m_o
    );
  end

endmodule

/* verilator lint_on UNSIGNED */

`default_nettype wire
