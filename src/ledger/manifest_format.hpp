#pragma once

namespace usherd {

/// The first byte of an encoded manifest; docs/ledger.md describes the rest.
inline constexpr char kManifestVersion = 1;

}  // namespace usherd
