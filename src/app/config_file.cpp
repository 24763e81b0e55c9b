#include "usherd/app/config_file.hpp"

#include "config_check.hpp"
#include "config_keys.hpp"
#include "config_yaml.hpp"
#include "src/app/named_files.hpp"

#include "usherd/core/result.hpp"
#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>

namespace usherd {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::size_t kMostFaults = 100;

/// Walks the tree of one file and fills one outcome.
class ConfigReader {
 public:
  explicit ConfigReader(ConfigOutcome& outcome) : outcome_(outcome) {}

  void read(const YamlNode& root) {
    if (root.kind == YamlNode::Kind::null)
      return;
    if (root.kind != YamlNode::Kind::map) {
      fault(root, "", "the file is not a mapping of sections", "write it as in 'api:' and its keys below");
      return;
    }
    read_members(root, "");
  }

 private:
  void fault(const YamlNode& at, std::string key, std::string message, std::string hint) {
    outcome_.faults.push_back({at.line, at.column, std::move(key), std::move(message), std::move(hint)});
  }
  void read_members(const YamlNode& map, std::string_view section) {
    for (std::size_t i = 0; i < map.names.size(); ++i) {
      const auto& name = map.names[i];
      if (name.refused)
        continue;
      const auto path = section.empty() ? printable(name.text, 60)
                                        : fmt::format("{}.{}", section, printable(name.text, 60));
      if (name.kind != YamlNode::Kind::scalar) {
        fault(name, std::string(section), "a key must be a word", "write it as in 'name: value'");
        continue;
      }
      // Its fault is told, and nothing else is known of it.
      const bool refused = map.items[i].refused;
      if (!refused)
        note_line(path, name);
      if (section.empty() && is_config_section(name.text))
        read_section(name, map.items[i]);
      else if (const auto* key = find_config_key(section, name.text); key != nullptr && !refused)
        read_value(*key, name, map.items[i]);
      else if (key == nullptr)
        fault(name, path, "unknown key", hint_for_unknown_key(section, name.text));
    }
  }
  void note_line(const std::string& path, const YamlNode& name) {
    if (const auto [first, is_new] = outcome_.lines.emplace(path, name.line); !is_new)
      fault(name, path, fmt::format("is set twice (first at line {})", first->second), "keep one of them");
  }
  void read_section(const YamlNode& name, const YamlNode& value) {
    // "api:" with all its keys commented out.
    if (value.kind == YamlNode::Kind::null)
      return;
    if (value.kind == YamlNode::Kind::map)
      read_members(value, name.text);
    else
      fault(name, name.text, "must be a section", "write its keys on the lines below, indented");
  }
  void read_value(const ConfigKey& key, const YamlNode& name, const YamlNode& value) {
    const bool empty =
        value.kind == YamlNode::Kind::null || (value.kind == YamlNode::Kind::scalar && value.text.empty());
    if (empty && !key.may_be_empty) {
      fault(name, key.path(), "has no value", "give it one, or leave the key out for its default");
      return;
    }
    if (auto objection = key.read(value, outcome_.config))
      fault(value.line == 0 ? name : value, key.path(), std::move(objection->message),
            std::move(objection->hint));
  }

  ConfigOutcome& outcome_;
};

/// Puts the directory in place of a link that leads to it: nothing in spool and state may be one.
void follow_link(std::string& directory) {
  std::error_code failed;
  if (!std::filesystem::is_symlink(directory, failed))
    return;
  const auto real = std::filesystem::canonical(directory, failed);
  if (!failed)
    directory = real.string();
}

/// Adds what is wrong with the places that links lead to, and was not as they are written.
void check_followed(ConfigOutcome& outcome) {
  std::vector<ConfigFault> faults;
  check_combinations(outcome.config, outcome.lines, faults);
  for (auto& fault : faults) {
    if (std::find(outcome.faults.begin(), outcome.faults.end(), fault) == outcome.faults.end())
      insert_by_line(outcome.faults, std::move(fault));
  }
}

/// The whole file, or one fault that names it.
bool read_whole_file(const std::string& path, std::string& text, ConfigFault& fault) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const int number = errno;
    fault.message = Error::system(number, "cannot be read").message;
    fault.hint = number == ENOENT ? "name the file with --config FILE" : "usherd must be able to read it";
    return false;
  }
  struct stat status {};
  bool good = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (!good)
    fault.message = "is not a regular file";
  std::array<char, 16384> piece{};
  while (good) {
    const auto count = ::read(descriptor, piece.data(), piece.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count == 0)
      break;
    if (count < 0) {
      fault.message = Error::system(errno, "cannot be read").message;
      good = false;
    } else {
      text.append(piece.data(), static_cast<std::size_t>(count));
      good = text.size() <= kMostBytes;
      if (!good)
        fault.message = "is larger than 1 MiB";
    }
  }
  ::close(descriptor);
  return good;
}

}  // namespace

ConfigOutcome parse_config(std::string_view text, std::string file_name) {
  ConfigOutcome outcome;
  outcome.file = std::move(file_name);
  if (text.size() > kMostBytes) {
    outcome.faults.push_back({0, 0, "", "is larger than 1 MiB", ""});
    return outcome;
  }
  const auto root = parse_yaml(text, outcome.faults);
  if (root) {
    ConfigReader(outcome).read(*root);
    check_combinations(outcome.config, outcome.lines, outcome.faults);
  }
  std::stable_sort(outcome.faults.begin(), outcome.faults.end(),
                   [](const ConfigFault& a, const ConfigFault& b) { return a.line < b.line; });
  if (outcome.faults.size() > kMostFaults) {
    const auto more = outcome.faults.size() - kMostFaults;
    outcome.faults.resize(kMostFaults);
    outcome.faults.push_back({0, 0, "", fmt::format("and {} more faults", more), ""});
  }
  return outcome;
}

ConfigOutcome load_config(const std::string& path) {
  std::string text;
  ConfigFault fault;
  if (read_whole_file(path, text, fault)) {
    auto outcome = parse_config(text, path);
    follow_link(outcome.config.spool.directory);
    follow_link(outcome.config.state.directory);
    check_followed(outcome);
    return outcome;
  }
  ConfigOutcome outcome;
  outcome.file = path;
  outcome.faults.push_back(std::move(fault));
  return outcome;
}

std::string format_fault(std::string_view file, const ConfigFault& fault) {
  std::string line = printable(file, 1000);
  if (fault.line != 0)
    fmt::format_to(std::back_inserter(line), ":{}", fault.line);
  if (!fault.key.empty())
    fmt::format_to(std::back_inserter(line), ": {}", fault.key);
  fmt::format_to(std::back_inserter(line), ": {}", fault.message);
  if (!fault.hint.empty())
    fmt::format_to(std::back_inserter(line), "; {}", fault.hint);
  return line;
}

std::string format_faults(const ConfigOutcome& outcome) {
  std::string text;
  for (const auto& fault : outcome.faults)
    text += format_fault(outcome.file, fault) + "\n";
  return text;
}

}  // namespace usherd
