#include "usherd/spool/csv_header.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace usherd {
namespace {

/// The order in which they stand in a record.
constexpr std::array<std::string_view, 4> kMembers{"uid", "id", "display_name", "email"};
/// The record rules: characters of a dotted name, and depth of objects.
constexpr std::size_t kMostName = 512;
constexpr std::size_t kMostDepth = 64;

struct TypeWord {
  std::string_view word;
  CellType type;
  bool list;
};
constexpr std::array<TypeWord, 10> kTypes{{{"str", CellType::text, false},
                                           {"strs", CellType::text, true},
                                           {"int", CellType::whole, false},
                                           {"ints", CellType::whole, true},
                                           {"real", CellType::real, false},
                                           {"reals", CellType::real, true},
                                           {"bool", CellType::boolean, false},
                                           {"bools", CellType::boolean, true},
                                           {"date", CellType::date, false},
                                           {"dates", CellType::date, true}}};

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string called(std::size_t cell, std::string_view name) {
  return fmt::format("column {} ({})", cell + 1, printable(name, 60));
}

/// What may have gone wrong with the whole header, where one of its names is none.
std::string_view hint_for(std::string_view name) {
  if (name.starts_with("\xFF\xFE") || name.starts_with("\xFE\xFF") ||
      name.find('\0') != std::string_view::npos)
    return "; is the file UTF-16? Save it as UTF-8";
  if (name.find(';') != std::string_view::npos || name.find('\t') != std::string_view::npos)
    return "; columns are separated by commas";
  if (name.find('\r') != std::string_view::npos)
    return "; lines end with LF or CRLF";
  if (name.starts_with(' ') || name.ends_with(' '))
    return "; remove the blanks around it";
  return "";
}

/// Properties as a tree, so that those of one object come out together.
class Tree {
 public:
  /// Errors name the column in whose way this one stands.
  [[nodiscard]] Result<void> add(CsvColumn column) {
    std::size_t at = 0;
    std::string_view rest = column.name;
    std::size_t depth = 0;
    for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      if (++depth >= kMostDepth)
        return wrong(column, fmt::format("is nested deeper than {}", kMostDepth));
      at = child(at, rest.substr(0, dot), column.cell);
      if (nodes_[at].leaf)
        return wrong(column, fmt::format("stands inside {}, which is a value", first_of(at)));
      rest.remove_prefix(dot + 1);
    }
    const auto before = nodes_.size();
    const auto leaf = child(at, rest, column.cell);
    if (leaf < before && nodes_[leaf].leaf)
      return wrong(column, fmt::format("is also in {}", first_of(leaf)));
    if (leaf < before)
      return wrong(column, fmt::format("is the object in which {} stands", first_of(leaf)));
    nodes_[leaf].leaf = true;
    nodes_[leaf].column = std::move(column);
    return {};
  }

  void flatten(std::vector<CsvColumn>& columns, std::vector<std::string>& objects) {
    std::vector<std::uint32_t> parents;
    flatten(0, parents, columns, objects);
  }

 private:
  struct Node {
    std::string name;
    std::size_t cell = 0;  ///< of the first column that made it
    bool leaf = false;
    CsvColumn column;
    std::vector<std::size_t> children;
  };

  std::size_t child(std::size_t parent, std::string_view name, std::size_t cell) {
    const auto [found, is_new] = by_name_.try_emplace(std::pair(parent, std::string(name)), nodes_.size());
    if (is_new) {
      nodes_[parent].children.push_back(nodes_.size());
      Node node;
      node.name = name;
      node.cell = cell;
      nodes_.push_back(std::move(node));
    }
    return found->second;
  }

  [[nodiscard]] std::string first_of(std::size_t node) const {
    return fmt::format("column {}", nodes_[node].cell + 1);
  }
  static Error wrong(const CsvColumn& column, std::string_view what) {
    return {Errc::invalid, fmt::format("{} {}", called(column.cell, column.name), what)};
  }

  // As deep as kMostDepth at most.
  void flatten(std::size_t node, std::vector<std::uint32_t>& parents, std::vector<CsvColumn>& columns,
               std::vector<std::string>& objects) {
    for (const auto at : nodes_[node].children) {
      auto& next = nodes_[at];
      auto key = fmt::format("\"{}\":", next.name);
      if (next.leaf) {
        next.column.key = std::move(key);
        next.column.parents = parents;
        columns.push_back(std::move(next.column));
        continue;
      }
      parents.push_back(static_cast<std::uint32_t>(objects.size()));
      objects.push_back(std::move(key));
      flatten(at, parents, columns, objects);
      parents.pop_back();
    }
  }

  std::vector<Node> nodes_{1};
  std::map<std::pair<std::size_t, std::string>, std::size_t> by_name_;
};

/// Takes `name:type` apart.
Result<CsvColumn> read_column(std::size_t cell, std::string_view text) {
  CsvColumn column;
  column.cell = cell;
  const auto colon = text.rfind(':');
  column.name = text.substr(0, colon);
  if (text.empty())
    return Error{Errc::invalid, fmt::format("column {} has no name", cell + 1)};
  if (colon == std::string_view::npos)
    return column;
  const auto word = text.substr(colon + 1);
  const auto* type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& one) { return one.word == word; });
  if (type == kTypes.end())
    return Error{Errc::invalid,
                 fmt::format("{}: there is no type '{}'; write str int real bool date, or strs "
                             "ints reals bools dates for lists",
                             called(cell, text), printable(word, 40))};
  column.type = type->type;
  column.list = type->list;
  column.type_word = type->word;
  column.schema = fmt::format("\"{}\":\"{}\"", column.name, word);
  return column;
}

Result<void> check_name(const CsvColumn& column) {
  std::string_view rest = column.name;
  bool good = column.name.size() <= kMostName;
  if (!good)
    return Error{Errc::invalid, fmt::format("{} has a name of more than {} characters",
                                            called(column.cell, column.name), kMostName)};
  while (good) {
    const auto dot = rest.find('.');
    good = is_name(rest.substr(0, dot));
    if (dot == std::string_view::npos)
      break;
    rest.remove_prefix(dot + 1);
  }
  if (good)
    return {};
  return Error{Errc::invalid,
               fmt::format("{}: a name is a letter followed by letters, digits and underscores, with dots "
                           "between the parts of a nested one{}",
                           called(column.cell, column.name), hint_for(column.name))};
}

}  // namespace

Result<CsvHeader> CsvHeader::parse(std::span<const std::string> cells) {
  CsvHeader header;
  header.columns_ = cells.size();
  if (cells.size() > kMostColumns)
    return Error{Errc::invalid, fmt::format("the header has more than {} columns", kMostColumns)};
  Tree tree;
  std::array<std::vector<CsvColumn>, kMembers.size()> members;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    auto column = read_column(cell, cells[cell]);
    if (!column)
      return column.error();
    if (auto checked = check_name(*column); !checked)
      return checked.error();
    const auto* member = std::find(kMembers.begin(), kMembers.end(), column->name);
    if (member == kMembers.end()) {
      if (auto added = tree.add(std::move(*column)); !added)
        return added.error();
      continue;
    }
    auto& place = members[static_cast<std::size_t>(member - kMembers.begin())];
    if (!place.empty())
      return Error{Errc::invalid, fmt::format("{} is also in column {}", called(cell, column->name),
                                              place.front().cell + 1)};
    if (column->type != CellType::text || column->list)
      return Error{Errc::invalid,
                   fmt::format("{} is always a string: write it without a type", called(cell, cells[cell]))};
    column->key = fmt::format("\"{}\":", column->name);
    column->schema.clear();
    place.push_back(std::move(*column));
  }
  for (auto& place : members)
    std::move(place.begin(), place.end(), std::back_inserter(header.members_));
  tree.flatten(header.properties_, header.objects_);
  return header;
}

}  // namespace usherd
