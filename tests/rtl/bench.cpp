// Drives a design wrapped as `bench` (see harness.py): two input streams and one output stream.
//
//   bench IN0 IN1 OUT EXPECTED SEED STALL0 STALL1 STALL_OUT RESET_AT
//
// Words come from the files IN0 and IN1 (little-endian, W0, W1 32-bit words each); EXPECTED output
// words are written to OUT, each followed by the cycle of its handshake. STALL is the chance in 256
// that a stream idles in a cycle. Where RESET_AT > 0 the design is reset in that cycle: all streams
// start over and what came out before is dropped. Exits with 1 on a broken handshake, 3 on a hang.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "Vbench.h"

namespace {

using Words = std::vector<uint32_t>;

Words load(const char* path) {
  Words words;
  FILE* file = std::fopen(path, "rb");
  if (!file) std::exit(2);
  uint32_t word;
  while (std::fread(&word, 4, 1, file) == 1) words.push_back(word);
  std::fclose(file);
  return words;
}

struct Source {
  Words words;
  size_t width;
  unsigned stall;
  size_t next = 0;
  bool valid = false;

  bool offer(uint32_t* data, std::mt19937& random) {
    if (!valid) valid = next + width <= words.size() && random() % 256 >= stall;
    // Idle streams carry garbage: a design that takes it anyway is found out.
    for (size_t i = 0; i < width; i++) data[i] = valid ? words[next + i] : random();
    return valid;
  }

  void accepted() {
    next += width;
    valid = false;
  }

  void restart() {
    next = 0;
    valid = false;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 10) return 2;
  Source source0{load(argv[1]), W0, unsigned(std::atoi(argv[6]))};
  Source source1{load(argv[2]), W1, unsigned(std::atoi(argv[7]))};
  const size_t expected = std::strtoull(argv[4], nullptr, 10);
  std::mt19937 random(std::atoi(argv[5]));
  const unsigned stall_out = std::atoi(argv[8]);
  const uint64_t reset_at = std::strtoull(argv[9], nullptr, 10);

  VerilatedContext context;
  context.randReset(2);
  context.randSeed(std::atoi(argv[5]) + 1);
  Vbench dut(&context);
  Words out;
  uint32_t held[WOUT];
  bool holding = false;
  uint64_t idle = 0;

  const size_t complete = expected * (WOUT + 1);
  for (uint64_t cycle = 0, spare = 64; out.size() < complete || spare--; cycle++) {
    const bool reset = cycle < 3 || (reset_at && cycle >= reset_at && cycle < reset_at + 2);
    if (reset) {
      source0.restart();
      source1.restart();
      out.clear();
      holding = false;
    }
    dut.rst_ni = !reset;
    dut.in0_valid_i = source0.offer(&dut.in0_data_i[0], random) && !reset;
    dut.in1_valid_i = source1.offer(&dut.in1_data_i[0], random) && !reset;
    dut.out_ready_i = random() % 256 >= stall_out;
    dut.clk_i = 0;
    dut.eval();
    if (!reset) {
      if (dut.out_valid_o) {
        if (holding && std::memcmp(held, &dut.out_data_o[0], sizeof held)) {
          std::fprintf(stderr, "cycle %llu: output changed while it waited\n",
                       static_cast<unsigned long long>(cycle));
          return 1;
        }
        std::memcpy(held, &dut.out_data_o[0], sizeof held);
        holding = !dut.out_ready_i;
        if (dut.out_ready_i) {
          out.insert(out.end(), held, held + WOUT);
          out.push_back(static_cast<uint32_t>(cycle));
          idle = 0;
        }
      } else if (holding) {
        std::fprintf(stderr, "cycle %llu: output withdrawn while it waited\n",
                     static_cast<unsigned long long>(cycle));
        return 1;
      }
      if (dut.in0_valid_i && dut.in0_ready_o) source0.accepted();
      if (dut.in1_valid_i && dut.in1_ready_o) source1.accepted();
    }
    dut.clk_i = 1;
    dut.eval();
    if (out.size() > complete) {
      std::fprintf(stderr, "cycle %llu: an output too many\n",
                   static_cast<unsigned long long>(cycle));
      return 1;
    }
    if (++idle > 200000) {
      std::fprintf(stderr, "no output for %llu cycles\n", static_cast<unsigned long long>(idle));
      return 3;
    }
  }

  FILE* file = std::fopen(argv[3], "wb");
  if (!file) return 2;
  std::fwrite(out.data(), 4, out.size(), file);
  std::fclose(file);
  return 0;
}
