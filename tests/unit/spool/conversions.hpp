#pragma once

#include "tests/unit/spool/stopping_files.hpp"
#include "tests/unit/spool/temp_spool.hpp"
#include "usherd/spool/convert.hpp"

namespace usherd::test {

struct Conversions {
  TempDirectory directory;
  SpoolLayout layout{directory.path()};
  StoppingFiles disk;

  Conversions() { std::filesystem::create_directory(layout.working()); }
  SpoolFile accepted(const std::string& name, std::string_view text) {
    SpoolFile file;
    file.number = 7;
    file.name = name;
    file.original = name;
    file.working = SpoolLayout::working_name(7, name);
    file.size = text.size();
    write_file(layout.working_file(file), text);
    return file;
  }
};

}  // namespace usherd::test
