#!/usr/bin/env python3
"""The house rules that a look at the text can check: which part includes which, own header first, sizes, leftovers."""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LADDER = "core ports ledger spool validate batch submit poll settle admin app".split()
MAY_SEE = {part: set(LADDER[: place + 1]) for place, part in enumerate(LADDER)}
MAY_SEE["app"] |= {"adapters"}
MAY_SEE["adapters"] = {"core", "ports", "adapters"}
MAY_SEE["sandbox"] = {"core", "sandbox"}
MOST_LINES = 400
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
UNNAMED = re.compile(r"(?:\.|->)alarm\(\)|WaitFor::unnamed\)")
UNNAMED_NAMESPACE = re.compile(r"^namespace \{.*?^\}  // namespace$", re.MULTILINE | re.DOTALL)
TYPE = re.compile(r"^(?:class|struct|enum class) (\w+)(?: final)?(?: :[^;{]*)? ?\{", re.MULTILINE)
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX)\b|\bNOLINT(?!(?:NEXTLINE)?\([\w.,-]+\): \S)")


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
            if "node_modules" not in path.parts:
                yield path


def part_of(path):
    """The part a file of include/usherd or src belongs to; None for what belongs to none."""
    words = path.relative_to(ROOT).parts
    part = words[2] if words[0] == "include" else words[1]
    return None if part == "thirdparty" else part


def includes(text):
    return [quoted or angled for quoted, angled in INCLUDE.findall(text)]


def types(text):
    """What a file defines at the level of its named namespace."""
    return TYPE.findall(UNNAMED_NAMESPACE.sub("", text))


def fault_of_include(part, name):
    """Why a file of `part` may not include `name`; None where it may."""
    if name.startswith("../") or "/../" in name:
        return "climbs out of its folder"
    if name.startswith("usherd/"):
        other = name.split("/")[1]
        if other not in MAY_SEE:
            return f"{other} is no part"
        if other not in MAY_SEE[part]:
            return f"{part} may not see {other}"
    elif name.startswith("src/") and not name.startswith(f"src/{part}/"):
        return "is private to another part"
    elif name.startswith(("tests/", "include/")):
        return "is no header of a part"
    return None


class House(unittest.TestCase):
    def check(self, faults):
        self.assertFalse(faults, "\n" + "\n".join(faults))

    def test_the_rules_see_a_wrong_include(self):
        self.assertIsNone(fault_of_include("batch", "usherd/core/result.hpp"))
        self.assertIsNone(fault_of_include("app", "usherd/adapters/posix_files.hpp"))
        self.assertIsNone(fault_of_include("batch", "batch_frame.hpp"))
        self.assertIsNone(fault_of_include("batch", "src/batch/batch_frame.hpp"))
        for part, name in [("core", "usherd/ports/files.hpp"), ("batch", "usherd/submit/submitter.hpp"),
                           ("sandbox", "usherd/ports/files.hpp"), ("adapters", "usherd/ledger/ledger.hpp"),
                           ("admin", "usherd/adapters/posix_files.hpp"), ("ledger", "usherd/app/config.hpp"),
                           ("core", "../app/nearest.hpp"), ("settle", "src/spool/free_name.hpp"), ("core", "usherd/elsewhere/x.hpp")]:
            self.assertIsNotNone(fault_of_include(part, name), f"{part} {name}")
        for line in ["// TODO later", "// NOLINT", "// NOLINT(bugprone-x)", "// NOLINTNEXTLINE"]:
            self.assertTrue(LEFTOVER.search(line), line)
        self.assertFalse(LEFTOVER.search("// NOLINT(bugprone-x): the C API wants it"))

    def test_includes_point_towards_core(self):
        faults = []
        for path in sources("include/usherd", "src"):
            part = part_of(path)
            if part is None:
                continue
            if part not in MAY_SEE:
                faults.append(f"{path.relative_to(ROOT)}: {part} is no part")
                continue
            for name in includes(path.read_text()):
                why = fault_of_include(part, name)
                if why:
                    faults.append(f"{path.relative_to(ROOT)}: includes {name}: {why}")
        self.check(faults)

    def test_a_source_includes_its_own_header_first(self):
        faults = []
        for path in sources("src"):
            if path.suffix != ".cpp":
                continue
            stem = path.relative_to(ROOT / "src").with_suffix("").as_posix()
            if (ROOT / f"include/usherd/{stem}.hpp").exists():
                own = [f"usherd/{stem}.hpp"]
            elif path.with_suffix(".hpp").exists():
                own = [f"src/{stem}.hpp", path.with_suffix(".hpp").name]
            else:
                continue
            if includes(path.read_text())[:1] not in [[name] for name in own]:
                faults.append(f"{path.relative_to(ROOT)}: {own[0]} is not its first include")
        self.check(faults)

    def test_every_header_is_guarded(self):
        self.check([f"{path.relative_to(ROOT)}: no #pragma once" for path in sources("include", "src", "tests")
                    if path.suffix == ".hpp" and "#pragma once\n" not in path.read_text()])

    def test_no_file_is_too_long(self):
        faults = []
        for path in sources("include", "src", "tests", "bench"):
            lines = path.read_text().count("\n")
            if lines > MOST_LINES:
                faults.append(f"{path.relative_to(ROOT)}: {lines} lines; at most {MOST_LINES}")
        self.check(faults)

    def test_no_two_types_have_one_name(self):
        """They would be two definitions of one type; who wins is the linker's choice, and it says nothing."""
        self.assertEqual(types("namespace usherd {\nnamespace {\nstruct A {};\n}  // namespace\nclass B final : public C {};\n}"),
                         ["B"])
        faults = []
        seen = {}
        for path in sources("include", "src"):
            space = "sandbox" if part_of(path) == "sandbox" else "usherd"
            for name in types(path.read_text()):
                other = seen.setdefault((space, name), path)
                if other != path:
                    faults.append(f"{path.relative_to(ROOT)}: {name} is defined in {other.relative_to(ROOT)} too")
        self.check(faults)

    def test_every_wait_has_a_name(self):
        self.assertTrue(UNNAMED.search("x.alarm()"))
        self.check([f"{path.relative_to(ROOT)}: a wait without a name; say alarm(WaitFor::...)"
                    for path in sources("src") if UNNAMED.search(path.read_text())])

    def test_nothing_is_left_for_later(self):
        faults = []
        for path in sources("include", "src", "tests", "bench"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if LEFTOVER.search(line):
                    faults.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
        self.check(faults)


if __name__ == "__main__":
    sys.exit(unittest.main())
