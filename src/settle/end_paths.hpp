#pragma once

#include "usherd/ledger/rows.hpp"
#include "usherd/spool/layout.hpp"

#include <string>
#include <string_view>

namespace usherd {

/// Where the parts of a file that ends stand before and after it is published. Plain paths.
class EndPaths {
 public:
  EndPaths(const SpoolLayout& layout, std::string_view name) : layout_(layout), name_(name) {}

  [[nodiscard]] std::string done() const { return join(layout_.done(), ""); }
  [[nodiscard]] std::string receipt() const { return join(layout_.done(), ".receipt.json"); }
  [[nodiscard]] std::string rejects() const { return join(layout_.rejected(), ".rejects.ndjson"); }
  [[nodiscard]] std::string refused() const { return join(layout_.rejected(), ""); }
  [[nodiscard]] std::string refusal() const { return join(layout_.rejected(), ".error.json"); }

 private:
  [[nodiscard]] std::string join(const std::string& folder, std::string_view ending) const {
    std::string path = folder + "/";
    path += name_;
    path += ending;
    return path;
  }

  const SpoolLayout& layout_;
  std::string_view name_;
};

/// What is being written for a file, until it is whole. `kind` is one of "rejects", "receipt", "error".
[[nodiscard]] std::string unfinished(const SpoolLayout& layout, FileNumber number, std::string_view kind);

}  // namespace usherd
