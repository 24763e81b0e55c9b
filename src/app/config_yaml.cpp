#include "config_yaml.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

namespace usherd {
namespace {

constexpr std::size_t kMostDepth = 16;

unsigned counted_from_one(int position) {
  return position < 0 ? 0 : static_cast<unsigned>(position) + 1;
}

/// yaml-cpp takes the end of the file for a closing quote, and would let a forgotten one swallow the keys
/// below it. Its positions are bytes.
bool closes_on_its_line(std::string_view text, const YAML::Mark& mark) {
  text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(std::max(0, mark.pos))));
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'')
    return true;
  for (std::size_t i = 1; i < text.size() && text[i] != '\n'; ++i) {
    const bool escaped = quote == '"' ? text[i] == '\\' : text.substr(i).starts_with("''");
    if (!escaped && text[i] == quote)
      return true;
    i += escaped ? 1 : 0;
  }
  return false;
}

/// Builds the tree; yaml-cpp's own nodes forget anchors, and let a later key hide an earlier one.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, std::vector<ConfigFault>& faults) : text_(text), faults_(faults) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_ == 1)
      fault(mark, "a second YAML document begins here", "keep one document in the file");
    ++documents_;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_marks(mark, "", anchor);
    add(node(YamlNode::Kind::null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fault(mark, "aliases are not supported", "write the value out");
    auto alias = node(YamlNode::Kind::null, mark);
    alias.refused = true;
    add(std::move(alias));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_marks(mark, tag, anchor);
    auto scalar = node(YamlNode::Kind::scalar, mark);
    scalar.text = value;
    scalar.quoted = tag == "!";
    if (scalar.quoted && !closes_on_its_line(text_, mark))
      spoil(mark, "a quote is not closed on its line", "close it");
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] unsigned documents() const { return documents_; }
  /// Whether the tree is likely to be another one than was meant.
  [[nodiscard]] bool spoilt() const { return spoilt_; }
  YamlNode take_root() { return std::move(root_); }

 private:
  static YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode made;
    made.kind = kind;
    made.line = counted_from_one(mark.line);
    made.column = counted_from_one(mark.column);
    return made;
  }
  void spoil(const YAML::Mark& mark, std::string message, std::string hint) {
    fault(mark, std::move(message), std::move(hint));
    spoilt_ = spoilt_ || documents_ == 1;
  }
  /// Of the first document alone.
  void fault(const YAML::Mark& mark, std::string message, std::string hint) {
    if (documents_ > 1)
      return;
    faults_.push_back({counted_from_one(mark.line), counted_from_one(mark.column), "", std::move(message),
                       std::move(hint)});
  }
  void refuse_marks(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      fault(mark, "anchors are not supported", "write the value where it is wanted");
    if (!tag.empty() && tag != "?" && tag != "!")
      fault(mark, fmt::format("the tag '{}' is not supported", printable(tag, 60)), "leave it out");
  }
  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_marks(mark, tag, anchor);
    if (open_.size() == kMostDepth)
      spoil(mark, "values are nested too deeply", "");
    open_.push_back(node(kind, mark));
  }
  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
  }
  void add(YamlNode value) {
    if (documents_ > 1)
      return;
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    if (open_.size() > kMostDepth)
      return;
    auto& parent = open_.back();
    // Names and values of a mapping come in turns.
    const bool is_name = parent.kind == YamlNode::Kind::map && parent.names.size() == parent.items.size();
    if (parent.kind == YamlNode::Kind::list)
      parent.refused = parent.refused || value.refused;
    (is_name ? parent.names : parent.items).push_back(std::move(value));
  }

  std::string_view text_;
  std::vector<ConfigFault>& faults_;
  unsigned documents_ = 0;
  bool spoilt_ = false;
  std::vector<YamlNode> open_;
  YamlNode root_;
};

bool is_indented_by_tab(std::string_view text, unsigned line) {
  for (; line > 1 && !text.empty(); --line)
    text.remove_prefix(std::min(text.size(), text.find('\n')) +
                       (text.find('\n') == std::string_view::npos ? 0 : 1));
  return text.substr(0, text.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

ConfigFault syntax_fault(std::string_view text, const YAML::Exception& failure) {
  const auto line = counted_from_one(failure.mark.line);
  const auto column = counted_from_one(failure.mark.column);
  // yaml-cpp knows no word for it.
  if (is_indented_by_tab(text, line))
    return {line, column, "", "not YAML: a tab in the indentation", "indent with spaces"};
  return {line, column, "", fmt::format("not YAML: {}", printable(failure.msg)),
          "look at indentation, colons and quotes"};
}

/// yaml-cpp reads UTF-16 and NULs too; an editor that made such a file is better named than obeyed.
bool refuse_binary(std::string_view text, std::vector<ConfigFault>& faults) {
  unsigned line = 1;
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    if (length == 0 || text.front() == '\0') {
      faults.push_back({line, 0, "", "the file is not UTF-8 text", "save it as UTF-8"});
      return true;
    }
    line += text.front() == '\n' ? 1 : 0;
    text.remove_prefix(length);
  }
  return false;
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, std::vector<ConfigFault>& faults) {
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  if (refuse_binary(text, faults))
    return std::nullopt;
  bool whole = true;
  TreeBuilder builder(text, faults);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (builder.documents() < 2 && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& failure) {
    // Below the document that is read nothing matters.
    whole = builder.documents() > 1;
    // A quote that was not closed is its cause more often than not.
    if (!whole && !builder.spoilt())
      faults.push_back(syntax_fault(text, failure));
  }
  if (!whole || builder.spoilt())
    return std::nullopt;
  return builder.take_root();
}

}  // namespace usherd
