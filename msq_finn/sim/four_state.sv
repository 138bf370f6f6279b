// The bench of four_state.py, which fills in what stands between two at signs.
`timescale 1ns / 1ps

// Sends the words of a file from the start whenever a run begins; data is X where it is not valid.
module msq_source #(
  parameter integer BITS = 8, WORDS = 1, STALL = 0, SEED = 1,
  parameter FILE = ""
) (
  input  wire            clk, run,
  output reg  [BITS-1:0] data,
  output reg             valid,
  input  wire            ready
);
  localparam integer BYTES = (BITS + 7) / 8;
  reg [8*BYTES-1:0] words[0:WORDS-1];
  integer sent, random;
  initial begin
    $readmemh(FILE, words);
    valid  = 0;
    sent   = 0;
    random = SEED;
  end
  // A word that has been offered stays until it is taken.
  reg taken, offered, offer;
  always @(posedge clk) begin
    taken   = valid && ready === 1'b1;
    offered = valid && !taken;
    if (!run) begin
      sent = 0;
      offered = 0;
    end else if (taken) sent = sent + 1;
    offer = run && sent < WORDS && (offered || $unsigned($random(random)) % 1000 >= STALL);
    valid <= offer;
    data  <= offer ? words[sent][BITS-1:0] : {BITS{1'bx}};
  end
endmodule

// Takes words, and writes those of the last run to a file, in binary.
module msq_sink #(
  parameter integer BITS = 8, WORDS = 1, STALL = 0, SEED = 1,
  parameter FILE = ""
) (
  input  wire            clk, run, last_run,
  input  wire [BITS-1:0] data,
  input  wire            valid,
  output reg             ready,
  output wire            done
);
  integer file, got, random;
  initial begin
    file   = $fopen(FILE, "w");
    ready  = 0;
    got    = 0;
    random = SEED;
  end
  always @(posedge clk) begin
    if (last_run && run && ready && valid === 1'b1 && got < WORDS) begin
      $fdisplay(file, "%b", data);
      got = got + 1;
    end
    ready <= $unsigned($random(random)) % 1000 >= STALL;
  end
  assign done = got == WORDS;
endmodule

// Behind a reset a handshake is known, and so is data that is valid.
module msq_monitor #(
  parameter integer BITS = 8,
  parameter NAME = ""
) (
  input wire            clk, watch,
  input wire [BITS-1:0] data,
  input wire            valid, ready
);
  always @(posedge clk) begin
    if (watch && (^{valid, ready} === 1'bx || valid === 1'b1 && ^data === 1'bx))
      bench.report(NAME, ^{valid, ready} === 1'bx ? "handshake" : "data", {valid, ready});
  end
endmodule

module bench;
  parameter integer RESET_CYCLES = 1, MAX_CYCLES = 1000000;
  integer cycle = 0, reports = 0;
  reg clk = 0, clk2x = 0, rst_n = 1, run = 0, watch = 0, last_run = 0;

@NETS@
  @TOP@ dut (@PINS@);
@PARTS@

  wire all_done = @ALL_DONE@;

  // Both clocks rise at one time.
  always begin
    clk   = 1;
    clk2x = 1;
    #1 clk2x = 0;
    #1 clk = 0;
    clk2x = 1;
    #1 clk2x = 0;
    #1;
  end

  task report(input [8*64-1:0] name, input [8*16-1:0] what, input [1:0] handshake);
    begin
      reports = reports + 1;
      if (reports <= 20)
        $display("X: %0s: %0s (valid %b, ready %b) in cycle %0d after reset", name, what,
                 handshake[1], handshake[0], cycle);
    end
  endtask

  // Inputs change behind the clock's edge, as registers do.
  task tick(input integer cycles);
    begin
      repeat (cycles) @(posedge clk);
    end
  endtask

  task reset;
    begin
      watch <= 0;
      run   <= 0;
      rst_n <= 0;
      tick(RESET_CYCLES);
      rst_n <= 1;
      // What the reset has set is seen behind its last edge.
      watch <= 1;
      run   <= 1;
      cycle = 0;
    end
  endtask

  task attempt(input integer cycles);
    begin
      reset;
      tick(cycles);
    end
  endtask

  always @(posedge clk) cycle <= cycle + 1;

  initial begin
    // Late: registers have been clocked, and words offered, before the first reset.
    tick(2);
    run <= 1;
    tick(@FIRST@);
@RESTARTS@
    last_run <= 1;
    reset;
    // Behind an unknown handshake words may never come.
    while (!all_done && cycle < MAX_CYCLES && reports < 1000) @(posedge clk);
    if (!all_done) $display("STARVED %0d", cycle);
    else $display("DONE %0d", cycle);
    $finish;
  end
endmodule
