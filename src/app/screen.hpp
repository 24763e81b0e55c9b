#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace usherd {

/// What a terminal can show at once.
struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// Whether a terminal is behind the descriptor that takes colours and moves of the cursor.
[[nodiscard]] bool is_screen(int descriptor);
/// Of the terminal behind the descriptor, where it tells.
[[nodiscard]] ScreenSize screen_size(int descriptor);

/// As many lines of `text` as fit above `footer`, each cut to the width, with the footer last where there is
/// one; lines that do not fit are counted. Colours (SGR) take no room. The row and the column that are left
/// free keep the terminal from scrolling.
[[nodiscard]] std::string fit_screen(std::string_view text, std::string_view footer, ScreenSize size);

}  // namespace usherd
