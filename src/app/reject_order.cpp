#include "src/app/reject_order.hpp"

#include "usherd/core/text.hpp"

#include <fmt/format.h>

namespace usherd {

std::string query_of(const ReplayOrder& order) {
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    query += fmt::format("{}{}={}", query.empty() ? '?' : '&', name, percent_encode(value));
  };
  if (order.filter.code)
    add("code", *order.filter.code);
  if (order.filter.stage)
    add("stage", name_of(*order.filter.stage));
  if (order.filter.file)
    add("file", *order.filter.file);
  if (order.force)
    add("force", "1");
  if (order.dry_run)
    add("dry_run", "1");
  return query;
}

Result<ReplayOrder> order_of(const AdminRequest& request) {
  ReplayOrder order;
  if (!request.body.empty())
    order.filter.uid = request.body;
  for (const auto& [name, value] : request.query) {
    if (name == "code") {
      order.filter.code = value;
    } else if (name == "stage") {
      order.filter.stage = stage_named(value);
      if (!order.filter.stage)
        return Error{Errc::invalid, "stage is local, api or unknown"};
    } else if (name == "file") {
      order.filter.file = value;
    } else if ((name == "force" || name == "dry_run") && value == "1") {
      (name == "force" ? order.force : order.dry_run) = true;
    } else {
      return Error{Errc::invalid,
                   fmt::format("what is {}? code, stage, file, force=1 and dry_run=1 are known, and "
                               "a uid as the body",
                               printable(name))};
    }
  }
  return order;
}

}  // namespace usherd
