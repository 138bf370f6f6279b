// What every simulation library is made of: a Verilator model, its ports by name, and drivers for
// its AXI streams. msq_finn/sim/model.py is the other side of the functions below.
//
// Verilator keeps a port in the smallest of 1, 2, 4, 8 or n times 4 bytes; on the little-endian hosts
// it supports, the bytes of every port are the bytes of its value, the lowest first.
#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vdesign.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr int kResetCycles = 16;
constexpr size_t kMaxLog = 1 << 16;

std::string& log_text() {
  static std::string text;
  return text;
}

}  // namespace

// Verilator prints through this (VL_PRINTF), and calls the others where a design gives up: an error
// in the design must not end the process that simulates it.
int msq_printf(const char* format, ...) {
  char line[4096];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (log_text().size() < kMaxLog) log_text() += line;
  return length;
}

void vl_finish(const char*, int, const char*) VL_MT_UNSAFE { Verilated::threadContextp()->gotFinish(true); }

void vl_stop(const char* file, int line, const char*) VL_MT_UNSAFE {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": the design stopped");
}

void vl_fatal(const char* file, int line, const char*, const char* message) VL_MT_UNSAFE {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + message);
}

extern "C" {

struct Port {
  const char* name;
  void* data;
  uint32_t bits;
  uint32_t is_input;
};

// One AXI stream and what flows through it.
struct Stream {
  uint8_t* valid;
  uint8_t* ready;
  uint8_t* data;
  uint8_t* words;   // of (bits + 7) / 8 bytes each
  int64_t* cycles;  // of each word's handshake
  int64_t count;
  int64_t done;
  uint64_t random;
  uint32_t stall;  // chance to pause in a cycle, in 1 / 2^32
  uint32_t bits;
  uint32_t moves;  // a word passes in this cycle
};

enum Status { kRunning = 0, kDone = 1, kIdle = 2, kFinished = 3, kFailed = 4 };

}  // extern "C"

struct Sim {
  VerilatedContext context;
  std::unique_ptr<Vdesign> top;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> trace;
#endif
  uint8_t* clk = nullptr;
  uint8_t* clk2x = nullptr;
  uint8_t* rst_n = nullptr;
  int64_t cycle = 0;
  int64_t idle = 0;

  void eval(uint64_t time_step) {
    top->eval();
#if VM_TRACE
    if (trace) trace->dump(context.time());
#endif
    context.timeInc(time_step);
  }

  // A cycle is rise() and fall(); inputs change in between and settle before the next edge of
  // either clock.
  void rise() {
    *clk = 1;
    if (clk2x) *clk2x = 1;
    eval(clk2x ? 2 : 4);
  }

  void fall() {
    if (clk2x) {
      *clk2x = 0;
      eval(2);
      *clk2x = 1;
    }
    *clk = 0;
    eval(clk2x ? 2 : 4);
    if (clk2x) {
      *clk2x = 0;
      eval(2);
    }
  }
};

namespace {

uint32_t bytes(const Stream& stream) { return (stream.bits + 7) / 8; }

uint64_t draw(Stream& stream) {
  stream.random ^= stream.random << 13;
  stream.random ^= stream.random >> 7;
  stream.random ^= stream.random << 17;
  return stream.random >> 32;
}

bool pauses(Stream& stream) { return stream.stall && draw(stream) < stream.stall; }

// AXI: once valid is up, it and the data stay until the handshake. Idle streams carry noise: a design
// that takes it anyway is found out.
void offer(Stream& input) {
  *input.valid = input.done < input.count && !pauses(input);
  if (*input.valid) {
    std::memcpy(input.data, input.words + input.done * bytes(input), bytes(input));
  } else {
    std::memset(input.data, static_cast<int>(draw(input) & 0xff), bytes(input));
    if (input.bits % 8) input.data[bytes(input) - 1] &= (1 << input.bits % 8) - 1;
  }
}

void accept(Stream& output) { *output.ready = output.done < output.count && !pauses(output); }

void note_handshake(Stream& stream, int64_t cycle) {
  stream.moves = *stream.valid && *stream.ready;
  if (stream.moves) stream.cycles[stream.done] = cycle;
}

bool is_finished(const Stream& stream) { return stream.done == stream.count; }

template <typename Action>
int guarded(Action action) {
  try {
    return action();
  } catch (const std::exception& error) {
    msq_printf("%s\n", error.what());
    return kFailed;
  }
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Writes the port table to `ports`, where given; returns its length.
int msq_ports(Sim* sim, Port* ports) {
  const Port table[] = {
#define MSQ_PORT(Name, Member, Bits, IsInput) {Name, &sim->top->Member, Bits, IsInput},
#include "ports.inc"
#undef MSQ_PORT
  };
  if (ports) std::copy(std::begin(table), std::end(table), ports);
  return static_cast<int>(std::size(table));
}

Sim* msq_open(int seed, const char* trace) {
  log_text().clear();
  auto sim = std::make_unique<Sim>();
  // State that the design leaves open starts as noise, so that nothing can rely on it.
  sim->context.randReset(2);
  sim->context.randSeed(seed);
  sim->context.traceEverOn(trace != nullptr);
  sim->top = std::make_unique<Vdesign>(&sim->context);
#if VM_TRACE
  if (trace) {
    sim->trace = std::make_unique<VerilatedVcdC>();
    sim->top->trace(sim->trace.get(), 99);
    sim->trace->open(trace);
  }
#endif
  std::vector<Port> ports(msq_ports(sim.get(), nullptr));
  msq_ports(sim.get(), ports.data());
  for (const Port& port : ports) {
    auto* data = static_cast<uint8_t*>(port.data);
    if (port.is_input) std::memset(data, 0, (port.bits + 7) / 8);
    const std::string name = port.name;
    if (name == "ap_clk") sim->clk = data;
    if (name == "ap_clk2x") sim->clk2x = data;
    if (name == "ap_rst_n") sim->rst_n = data;
  }
  return sim.release();
}

void msq_close(Sim* sim) {
#if VM_TRACE
  if (sim->trace) sim->trace->close();
#endif
  delete sim;
}

// What the design printed, and why it failed.
const char* msq_log() { return log_text().c_str(); }

int msq_traces() { return VM_TRACE; }

int64_t msq_cycle(Sim* sim) { return sim->cycle; }

int msq_eval(Sim* sim, uint64_t time_step) {
  return guarded([&] {
    sim->eval(time_step);
    return sim->context.gotFinish() ? kFinished : kRunning;
  });
}

int msq_reset(Sim* sim) {
  return guarded([&] {
    *sim->rst_n = 0;
    for (int i = 0; i < kResetCycles; i++) {
      sim->rise();
      sim->fall();
    }
    sim->rise();
    *sim->rst_n = 1;
    sim->fall();
    return sim->context.gotFinish() ? kFinished : kRunning;
  });
}

// Go on for at most `budget` cycles, until all words went through, or none for `max_idle` cycles.
int msq_run(Sim* sim, Stream* inputs, int n_inputs, Stream* outputs, int n_outputs, int64_t budget,
            int64_t max_idle) {
  return guarded([&] {
    Stream* const inputs_end = inputs + n_inputs;
    Stream* const outputs_end = outputs + n_outputs;
    for (; budget > 0; budget--) {
      if (sim->context.gotFinish()) return kFinished;
      bool moved = false;
      for (Stream* in = inputs; in != inputs_end; in++) {
        note_handshake(*in, sim->cycle);
        moved |= in->moves;
      }
      for (Stream* out = outputs; out != outputs_end; out++) {
        note_handshake(*out, sim->cycle);
        if (!out->moves) continue;
        std::memcpy(out->words + out->done * bytes(*out), out->data, bytes(*out));
        out->done++;
        moved = true;
      }
      sim->rise();
      for (Stream* in = inputs; in != inputs_end; in++) {
        in->done += in->moves;
        if (in->moves || !*in->valid) offer(*in);
      }
      std::for_each(outputs, outputs_end, accept);
      sim->fall();
      sim->cycle++;
      sim->idle = moved ? 0 : sim->idle + 1;
      if (std::all_of(inputs, inputs_end, is_finished) &&
          std::all_of(outputs, outputs_end, is_finished)) {
        return kDone;
      }
      if (sim->idle >= max_idle) return kIdle;
    }
    return kRunning;
  });
}

}  // extern "C"
#pragma GCC visibility pop
