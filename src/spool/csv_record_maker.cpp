#include "src/spool/csv_record_maker.hpp"

#include "src/spool/csv_cell.hpp"

#include <algorithm>
#include <utility>

namespace usherd {
namespace {

/// One byte past the largest record tells that it is too large.
constexpr std::size_t kMostKept = CsvRecordMaker::kMostRecord + 1;
/// A number of so many characters, and without exponent, fits into 64 bits and a double.
constexpr std::size_t kPlainNumber = 15;
/// Braces, and the names of the objects that every record has.
constexpr std::size_t kFrame = 64;

/// Whether a number, or one of a list, may be beyond what 64 bits or a double hold.
bool may_be_wide(CellType type, std::string_view text) {
  if (type != CellType::whole && type != CellType::real)
    return false;
  return text.size() > kPlainNumber ||
         (type == CellType::real &&
          std::any_of(text.begin(), text.end(), [](char c) { return c == 'e' || c == 'E'; }));
}

}  // namespace

CsvRecordMaker::CsvRecordMaker(CsvHeader header) : header_(std::move(header)), most_fixed_(kFrame) {
  for (const auto& member : header_.members())
    members_.push_back(column_of(member));
  for (const auto& property : header_.properties()) {
    auto column = column_of(property);
    const bool same =
        properties_.empty() ? property.parents.empty() : property.parents == properties_.back().of->parents;
    column.group = (properties_.empty() ? 0 : properties_.back().group) + (same ? 0 : 1);
    properties_.push_back(std::move(column));
  }
  for (const auto* columns : {&members_, &properties_}) {
    for (const auto& column : *columns)
      most_fixed_ += column.lead.size() + kMostAround + column.of->schema.size() + 1;
  }
  for (const auto& object : header_.objects())
    most_fixed_ += object.size() + 3;
}

CsvRecordMaker::Column CsvRecordMaker::column_of(const CsvColumn& column) {
  return {&column, "," + column.key, 0};
}

const CsvColumn* CsvRecordMaker::make(const CsvRow& row) {
  line_.begin(most_fixed_ + kMostEscaped * row.bytes.size());
  line_.put('{');
  unescaped_ = is_unescaped(row.bytes);
  has_wide_number_ = false;
  add_members(row);
  if (const auto* wrong = add_properties(row))
    return wrong;
  add_schema();
  line_.put('}');
  if (line_.size() > kMostKept)
    line_.cut(kMostKept);
  return nullptr;
}

void CsvRecordMaker::add_members(const CsvRow& row) {
  for (const auto& column : members_) {
    const auto text = text_of(row, column.of->cell);
    if (text.empty())
      continue;
    add_lead(column, line_.size() > 1);
    add_text(row.cells[column.of->cell], text);
  }
}

const CsvColumn* CsvRecordMaker::add_properties(const CsvRow& row) {
  const auto before = line_.size();
  if (before > 1)
    line_.put(',');
  line_.put("\"properties\":{");
  open_.clear();
  open_group_ = 0;
  declared_.clear();
  comma_ = false;
  for (const auto& column : properties_) {
    if (!add_property(row, column))
      return column.of;
  }
  close_to(0);
  line_.put('}');
  if (!comma_)
    line_.cut(before);
  return nullptr;
}

bool CsvRecordMaker::add_property(const CsvRow& row, const Column& column) {
  const auto& of = *column.of;
  const auto cell = text_of(row, of.cell);
  const auto text = of.type == CellType::text ? cell : trimmed(cell);
  if (text.empty() || line_.size() > kMostKept)
    return true;
  if (open_group_ != column.group)
    open_parents(column);
  add_lead(column, comma_);
  comma_ = true;
  if (!of.schema.empty())
    declared_.push_back(&of);
  has_wide_number_ |= may_be_wide(of.type, text);
  if (of.list) {
    const auto wrong = append_list(line_, of.type, text);
    wrong_ = wrong.value_or("");
    return !wrong;
  }
  if (of.type != CellType::text) {
    wrong_ = cell;
    return append_value(line_, of.type, text);
  }
  add_text(row.cells[of.cell], text);
  return true;
}

void CsvRecordMaker::add_lead(const Column& column, bool comma) {
  line_.put(std::string_view(column.lead).substr(comma ? 0 : 1));
}

void CsvRecordMaker::add_text(const CsvCell& cell, std::string_view text) {
  if (!unescaped_ || cell.doubled) {
    append_text(line_, text);
    return;
  }
  line_.put('"');
  line_.put(text);
  line_.put('"');
}

/// Rows mostly fill the same columns as the one before.
void CsvRecordMaker::add_schema() {
  if (declared_.empty())
    return;
  if (declared_ != in_schema_) {
    in_schema_ = declared_;
    schema_ = ",\"schema\":{\"properties\":{";
    for (const auto* column : declared_)
      schema_.append(column->schema).append(column == declared_.back() ? "}}" : ",");
  }
  line_.put(schema_);
}

void CsvRecordMaker::open_parents(const Column& column) {
  const auto& parents = column.of->parents;
  const auto [last, next] = std::mismatch(open_.begin(), open_.end(), parents.begin(), parents.end());
  close_to(static_cast<std::size_t>(last - open_.begin()));
  for (auto parent = next; parent != parents.end(); ++parent) {
    if (std::exchange(comma_, false))
      line_.put(',');
    line_.put(header_.objects()[*parent]);
    line_.put('{');
    open_.push_back(*parent);
  }
  open_group_ = column.group;
}

void CsvRecordMaker::close_to(std::size_t depth) {
  for (; open_.size() > depth; open_.pop_back())
    line_.put('}');
}

std::string_view CsvRecordMaker::unquoted(std::string_view text) {
  unquoted_.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    unquoted_ += text[i];
    i += text[i] == '"' ? 1 : 0;
  }
  return unquoted_;
}

}  // namespace usherd
