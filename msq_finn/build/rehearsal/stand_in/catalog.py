"""Vivado's own IP that FINN's Zynq shell is made of: pins, interfaces, parameters.

Names and presence of ports follow the product guides PG021, PG059, PG065, PG082, PG164, PG201 and
PG247; nothing else of these IP is modelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in.interfaces import BlockPin, Bus, Ip

Config = Mapping[str, str]


def _clock(name: str, direction: str = "I") -> BlockPin:
    return BlockPin(name, direction, kind="clk")


def _reset(name: str, direction: str = "I", optional: bool = False) -> BlockPin:
    return BlockPin(name, direction, kind="rst", optional=optional)


def _memory_mapped(name: str, mode: str, clock: str, **config: str) -> Bus:
    return Bus(name, mode, "aximm", {"ADDR_WIDTH": "32"} | config, clock)


def _on(config: Config, key: str) -> bool:
    return config[key].lower() in ("1", "true")


def _count(config: Config, key: str, most: int) -> int:
    count = int(config[key]) if config[key].isdecimal() else 0
    if not 1 <= count <= most:
        raise Refusal("parameter", f"CONFIG.{key} takes 1 to {most}, not {config[key]}")
    return count


def _zynq_7000(config: Config) -> tuple[list[BlockPin], list[Bus]]:
    pins = [_clock("FCLK_CLK0", "O"), _reset("FCLK_RESET0_N", "O"), _clock("M_AXI_GP0_ACLK")]
    buses = [
        _memory_mapped("M_AXI_GP0", "Master", "M_AXI_GP0_ACLK"),
        Bus("DDR", "Master", "ddrx", optional=True),
        Bus("FIXED_IO", "Master", "processing_system7_fixedio", optional=True),
    ]
    if _on(config, "PCW_USE_S_AXI_HP0"):
        pins.append(_clock("S_AXI_HP0_ACLK"))
        buses.append(_memory_mapped("S_AXI_HP0", "Slave", "S_AXI_HP0_ACLK", DATA_WIDTH="64"))
    return pins, buses


#: Ports of the UltraScale+ processing system: parameter, interface, mode, clock pin.
_ULTRASCALE_PORTS = (
    ("PSU__USE__M_AXI_GP0", "M_AXI_HPM0_FPD", "Master", "maxihpm0_fpd_aclk"),
    ("PSU__USE__M_AXI_GP1", "M_AXI_HPM1_FPD", "Master", "maxihpm1_fpd_aclk"),
    ("PSU__USE__M_AXI_GP2", "M_AXI_HPM0_LPD", "Master", "maxihpm0_lpd_aclk"),
    ("PSU__USE__S_AXI_GP2", "S_AXI_HP0_FPD", "Slave", "saxihp0_fpd_aclk"),
    ("PSU__USE__S_AXI_GP3", "S_AXI_HP1_FPD", "Slave", "saxihp1_fpd_aclk"),
)


def _zynq_ultrascale(config: Config) -> tuple[list[BlockPin], list[Bus]]:
    pins = [_clock("pl_clk0", "O"), _reset("pl_resetn0", "O")]
    buses = []
    for key, name, mode, clock in _ULTRASCALE_PORTS:
        if _on(config, key):
            pins.append(_clock(clock))
            buses.append(_memory_mapped(name, mode, clock, ADDR_WIDTH="40"))
    return pins, buses


def _interconnect(config: Config) -> tuple[list[BlockPin], list[Bus]]:
    pins, buses = [_clock("ACLK"), _reset("ARESETN")], []
    for side, mode, most in (("S", "Slave", 16), ("M", "Master", 64)):
        for index in range(_count(config, f"NUM_{side}I", most)):
            port = f"{side}{index:02d}"
            pins += [_clock(f"{port}_ACLK"), _reset(f"{port}_ARESETN")]
            buses.append(_memory_mapped(f"{port}_AXI", mode, f"{port}_ACLK"))
    return pins, buses


def _smartconnect(config: Config) -> tuple[list[BlockPin], list[Bus]]:
    buses = [
        _memory_mapped(f"{side}{index:02d}_AXI", mode, "aclk", ADDR_WIDTH="64")
        for side, mode in (("S", "Slave"), ("M", "Master"))
        for index in range(_count(config, f"NUM_{side}I", 16))
    ]
    return [_clock("aclk"), _reset("aresetn")], buses


def _clocking_wizard(config: Config) -> tuple[list[BlockPin], list[Bus]]:
    pins = [_clock("clk_in1"), _clock("clk_out1", "O")]
    if _on(config, "USE_LOCKED"):
        pins.append(BlockPin("locked", "O", optional=True))
    if _on(config, "USE_RESET"):
        low = config["RESET_TYPE"] == "ACTIVE_LOW"
        expected = "resetn" if low else "reset"
        if config["RESET_PORT"] != expected:
            raise Refusal(
                "parameter",
                f"CONFIG.RESET_PORT is {config['RESET_PORT']} where RESET_TYPE asks for {expected}",
            )
        pins.append(_reset(expected))
    return pins, []


def _system_reset(config: Config) -> tuple[list[BlockPin], list[Bus]]:
    return [
        _clock("slowest_sync_clk"),
        _reset("ext_reset_in"),
        _reset("aux_reset_in", optional=True),
        _reset("mb_debug_sys_rst", optional=True),
        BlockPin("dcm_locked", "I", optional=True),
        *(_reset(name, "O") for name in ("mb_reset", "bus_struct_reset", "peripheral_reset")),
        *(_reset(name, "O") for name in ("interconnect_aresetn", "peripheral_aresetn")),
    ], []


_Ports = Callable[[Config], tuple[list[BlockPin], list[Bus]]]

#: By name: version, ports, and the parameters that FINN sets, with Vivado's values.
_CATALOG: dict[str, tuple[str, _Ports, dict[str, str]]] = {
    "processing_system7": (
        "5.5",
        _zynq_7000,
        {"PCW_USE_S_AXI_HP0": "0", "PCW_FPGA0_PERIPHERAL_FREQMHZ": "50"},
    ),
    "zynq_ultra_ps_e": (
        "3.5",
        _zynq_ultrascale,
        {
            **dict.fromkeys((key for key, *_ in _ULTRASCALE_PORTS), "0"),
            "PSU__OVERRIDE__BASIC_CLOCK": "0",
            "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ": "100",
        },
    ),
    "axi_interconnect": ("2.1", _interconnect, {"NUM_SI": "1", "NUM_MI": "2"}),
    "smartconnect": ("1.0", _smartconnect, {"NUM_SI": "2", "NUM_MI": "1"}),
    "clk_wiz": (
        "6.0",
        _clocking_wizard,
        {
            "PRIM_IN_FREQ.VALUE_SRC": "USER",
            "PRIM_SOURCE": "Single_ended_clock_capable_pin",
            "PRIMITIVE": "MMCM",
            "CLKOUT1_REQUESTED_OUT_FREQ": "100",
            "USE_LOCKED": "true",
            "USE_RESET": "true",
            "RESET_TYPE": "ACTIVE_HIGH",
            "RESET_PORT": "reset",
        },
    ),
    "proc_sys_reset": ("5.0", _system_reset, {}),
}

#: What a board's preset turns on, where that is not the parameter's own value.
_PRESETS: dict[str, dict[str, str]] = {
    "zynq_ultra_ps_e": {"PSU__USE__M_AXI_GP0": "1", "PSU__USE__M_AXI_GP1": "1"},
    "processing_system7": {},
}
_PRESET_OF_AUP_ZU3 = {"PSU__USE__M_AXI_GP0": "0", "PSU__USE__M_AXI_GP2": "1"}


def names() -> list[str]:
    """The IP that are known, by vendor, library, name and version."""
    return [f"xilinx.com:ip:{name}:{version}" for name, (version, *_) in _CATALOG.items()]


def make(vlnv: str, settings: Config) -> Ip | None:
    """An IP with its parameters set, None if the catalogue has none of that name.

    Args:
        vlnv: vendor, library, name and version.
        settings: parameters other than Vivado's own values.

    Raises:
        Refusal: it has no such parameter, or cannot have such a value.
    """
    if vlnv not in names():
        return None
    _, ports, defaults = _CATALOG[vlnv.split(":")[2]]
    for key in settings:
        if key not in defaults:
            raise Refusal("parameter", f"{vlnv} has no parameter {key} that the stand-in knows")
    config = defaults | dict(settings)
    pins, buses = ports(config)
    return Ip(vlnv, tuple(pins), tuple(buses), config)


def preset(name: str, board_part: str) -> dict[str, str]:
    """Parameters that a board's preset sets.

    Args:
        name: of the processing system.
        board_part: Vivado's name of the board.
    """
    aup = _PRESET_OF_AUP_ZU3 if ":aup-zu3" in board_part else {}
    return _PRESETS[name] | aup
