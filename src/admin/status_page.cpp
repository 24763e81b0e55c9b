#include "usherd/admin/status_page.hpp"

#include <array>

namespace usherd {
namespace {

// Made by cmake/EmbedPage.cmake from src/admin/page.
#include "status_page_text.inc"

constexpr std::array<PageAsset, 4> kAssets{{{"/", "text/html; charset=utf-8", kPageHtml},
                                            {"/page.css", "text/css; charset=utf-8", kPageCss},
                                            {"/page.js", "text/javascript; charset=utf-8", kPageJs},
                                            {"/favicon.svg", "image/svg+xml", kFaviconSvg}}};

}  // namespace

std::span<const PageAsset> page_assets() {
  return kAssets;
}

boost::asio::awaitable<AdminReply> page_asset(const PageAsset& asset) {
  AdminReply reply;
  reply.type = asset.type;
  reply.body = asset.text;
  co_return reply;
}

}  // namespace usherd
