#pragma once

#include "usherd/admin/message.hpp"

#include <span>
#include <string_view>

namespace usherd {

/// A part of the status page, built into the program from src/admin/page.
struct PageAsset {
  std::string_view path;
  std::string_view type;
  std::string_view text;
};

/// The page and all that it loads.
[[nodiscard]] std::span<const PageAsset> page_assets();

[[nodiscard]] boost::asio::awaitable<AdminReply> page_asset(const PageAsset& asset);

}  // namespace usherd
