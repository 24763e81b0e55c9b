#include "usherd/spool/json_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace usherd {
namespace {

// One byte past the largest record: enough for the validator to call it too large.
constexpr std::size_t kMostKept = (1U << 20) + 1;
// So deep is only what is too large anyway: beyond it brackets are counted, and may close one another.
constexpr std::size_t kMostDepth = std::size_t{1} << 20;
constexpr std::string_view kEnvelope = "{\"requests\":[";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

using ByteSet = std::array<bool, 256>;

constexpr ByteSet set_of(std::string_view bytes) {
  ByteSet set{};
  for (const char c : bytes)
    set[static_cast<unsigned char>(c)] = true;
  return set;
}

/// A byte order mark of either order, or half a bracket.
constexpr ByteSet kStartsUtf16 = set_of(std::string_view("\xFF\xFE\0", 3));
constexpr ByteSet kBlank = set_of(" \t\r\n");
constexpr ByteSet kEndsScalar = set_of(" \t\r\n,:[]{}\"");
constexpr ByteSet kStopsText = set_of("\"\\\n");
constexpr ByteSet kStopsNested = set_of("\"[]{}\r\n");

bool in(const ByteSet& set, char c) {
  return set[static_cast<unsigned char>(c)];
}

const char* find(const ByteSet& set, const char* at, const char* end) {
  while (at != end && !in(set, *at))
    ++at;
  return at;
}

}  // namespace

JsonDocumentScanner::JsonDocumentScanner(Emit emit) : emit_(std::move(emit)) {}

Result<void> JsonDocumentScanner::feed(std::string_view piece) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end && !failure_)
    at = take(at, end);
  if (failure_)
    return *failure_;
  return {};
}

const char* JsonDocumentScanner::take(const char* at, const char* end) {
  switch (step_) {
    case Step::head:
      return take_head(at);
    case Step::scalar:
      return take_scalar(at, end);
    case Step::text:
    case Step::nested_text:
      return take_text(at, end);
    case Step::nested:
      return take_nested(at, end);
    default:
      return take_between(at);
  }
}

Result<void> JsonDocumentScanner::finish() {
  if (!failure_ && step_ == Step::start)
    fail("the document is empty");
  if (!failure_ && step_ != Step::end)
    fail("the document ends before its last bracket is closed: was it cut short?");
  if (failure_)
    return *failure_;
  return {};
}

const char* JsonDocumentScanner::take_between(const char* at) {
  const char c = *at;
  if (c == '\n')
    ++line_;
  if (in(kBlank, c)) {
    ++offset_;
    return at + 1;
  }
  switch (step_) {
    case Step::start:
      take_start(c);
      break;
    case Step::first_element:
    case Step::element:
      take_element_start(c);
      break;
    case Step::after_element:
      if (c == ',')
        step_ = Step::element;
      else if (c == ']')
        step_ = in_envelope_ ? Step::after_requests : Step::end;
      else
        fail("a comma or ] is missing behind an element");
      break;
    case Step::after_requests:
      if (c != '}')
        fail("only } may follow the array of requests");
      step_ = Step::end;
      break;
    default:
      fail("something follows the end of the document; if it has a record a line, name it .ndjson");
  }
  // The first byte of an element is taken by that element's own step.
  const bool taken = step_ != Step::scalar;
  offset_ += taken ? 1 : 0;
  return at + (taken ? 1 : 0);
}

void JsonDocumentScanner::take_start(char c) {
  if (offset_ == mark_ && mark_ < kByteOrderMark.size() && c == kByteOrderMark[mark_]) {
    ++mark_;
    return;
  }
  const bool whole_mark = mark_ == 0 || mark_ == kByteOrderMark.size();
  if (whole_mark && c == '[') {
    in_array_ = true;
    step_ = Step::first_element;
  } else if (whole_mark && c == '{') {
    start_element(Step::head);
    keep(&c, &c + 1);
    brackets_.push_back(true);
    envelope_ = 1;
  } else if (offset_ == 0 && in(kStartsUtf16, c)) {
    fail("the document is neither an array nor an object; is the file UTF-16? Save it as UTF-8");
  } else {
    fail("the document is neither an array nor an object");
  }
}

void JsonDocumentScanner::take_element_start(char c) {
  if (c == ']' && step_ == Step::first_element) {
    step_ = in_envelope_ ? Step::after_requests : Step::end;
  } else if (c == '{' || c == '[') {
    start_element(Step::nested);
    keep(&c, &c + 1);
    brackets_.push_back(c == '{');
  } else if (c == '"') {
    start_element(Step::text);
    keep(&c, &c + 1);
  } else if (in(kEndsScalar, c)) {
    fail(fmt::format("an element is missing in front of {}", c));
  } else {
    start_element(Step::scalar);
  }
}

const char* JsonDocumentScanner::take_head(const char* at) {
  const char c = *at;
  const bool in_text = envelope_ > kEnvelope.find('"') && envelope_ <= kEnvelope.rfind('"');
  const bool blank = in(kBlank, c) && !in_text;
  if (!blank && c != kEnvelope[envelope_]) {
    step_ = in_text ? Step::nested_text : Step::nested;
    return at;
  }
  const char kept = blank ? ' ' : c;
  keep(&kept, &kept + 1);
  line_ += c == '\n' ? 1 : 0;
  ++offset_;
  envelope_ += blank ? 0 : 1;
  if (envelope_ == kEnvelope.size()) {
    in_array_ = true;
    in_envelope_ = true;
    brackets_.clear();
    step_ = Step::first_element;
  }
  return at + 1;
}

const char* JsonDocumentScanner::take_scalar(const char* at, const char* end) {
  const char* const stop = find(kEndsScalar, at, end);
  keep(at, stop);
  offset_ += static_cast<std::uint64_t>(stop - at);
  if (stop != end)
    end_element();
  return stop;
}

const char* JsonDocumentScanner::take_text(const char* at, const char* end) {
  const char* const stop = escaped_ ? at : find(kStopsText, at, end);
  keep(at, stop);
  offset_ += static_cast<std::uint64_t>(stop - at);
  if (stop == end)
    return stop;
  const char c = *stop;
  keep(&c, &c + 1);
  ++offset_;
  line_ += c == '\n' ? 1 : 0;
  const bool closes = c == '"' && !escaped_;
  escaped_ = c == '\\' && !escaped_;
  if (closes && step_ == Step::text)
    end_element();
  else if (closes)
    step_ = Step::nested;
  return stop + 1;
}

const char* JsonDocumentScanner::take_nested(const char* at, const char* end) {
  const char* const stop = find(kStopsNested, at, end);
  keep(at, stop);
  offset_ += static_cast<std::uint64_t>(stop - at);
  if (stop == end)
    return stop;
  const char c = *stop;
  const char kept = in(kBlank, c) ? ' ' : c;
  keep(&kept, &kept + 1);
  line_ += c == '\n' ? 1 : 0;
  if (c == '"')
    step_ = Step::nested_text;
  else if (!in(kBlank, c))
    take_bracket(c);
  ++offset_;
  if (step_ == Step::nested && brackets_.empty())
    end_element();
  return stop + 1;
}

void JsonDocumentScanner::take_bracket(char c) {
  const bool brace = c == '{' || c == '}';
  if (c == '{' || c == '[') {
    if (brackets_.size() == kMostDepth)
      ++deeper_;
    else
      brackets_.push_back(brace);
    return;
  }
  if (deeper_ > 0) {
    --deeper_;
    return;
  }
  if (brackets_.back() != brace)
    return fail(fmt::format("{} closes a bracket of the other kind", c));
  brackets_.pop_back();
}

void JsonDocumentScanner::start_element(Step step) {
  step_ = step;
  origin_ = {offset_, line_, 0};
  element_.clear();
}

void JsonDocumentScanner::end_element() {
  step_ = in_array_ ? Step::after_element : Step::end;
  origin_.length = offset_ - origin_.offset;
  const auto emitted = emit_(element_, origin_);
  if (!emitted)
    failure_ = emitted.error();
}

void JsonDocumentScanner::keep(const char* from, const char* to) {
  const auto room = kMostKept - element_.size();
  element_.append(from, std::min(room, static_cast<std::size_t>(to - from)));
}

void JsonDocumentScanner::fail(std::string_view what) {
  failure_ = Error{Errc::invalid, fmt::format("line {}, offset {}: {}", line_, offset_, what)};
}

}  // namespace usherd
