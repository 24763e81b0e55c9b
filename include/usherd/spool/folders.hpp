#pragma once

#include "usherd/core/result.hpp"
#include "usherd/ledger/ledger.hpp"
#include "usherd/ports/files.hpp"
#include "usherd/spool/layout.hpp"
#include "usherd/spool/made_places.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace usherd {

/// Makes the spool and its four folders where they are missing, with their modes; what is there keeps its
/// own. Ownership is set as far as the process may. Then a trial rename through all four proves that they are
/// on one file system. The message names the folder or the two folders; Errc::no_space when it is the disk's
/// fault and not the layout's. Notes in `made` what it made. Blocks.
[[nodiscard]] Result<void> prepare_folders(Files& files, const SpoolLayout& layout,
                                           MadePlaces* made = nullptr);
/// The commands by which root makes incoming/ for that user: with the mode that a hardened unit may not set,
/// and the default ACL that lets usherd read what others drop.
[[nodiscard]] std::string incoming_by_hand(const std::string& incoming, unsigned owner);
/// The paths of those of the four that are not there.
[[nodiscard]] std::vector<std::string> missing_folders(const SpoolLayout& layout);
/// For each of the four that is there and is no folder what it is and what to do.
[[nodiscard]] std::vector<std::string> odd_folders(const SpoolLayout& layout);

/// Proves with a file of its own that incoming/ can be listed and files be moved from it into working/: tells
/// folders that are closed to usherd from a single file that is. Call it under the SpoolLock. Blocks.
[[nodiscard]] Result<void> try_intake(Files& files, const SpoolLayout& layout);

/// Whether what others dropped may be moved out of incoming/, once it could not: Errc::invalid when it is
/// sticky and belongs to somebody else, which no trial with a file of our own would tell. Blocks.
[[nodiscard]] Result<void> gives_out(const SpoolLayout& layout);

/// As try_intake(), through all four folders: also what has ended can go its way.
[[nodiscard]] Result<void> try_folders(Files& files, const SpoolLayout& layout);

/// An error of the disk under `place`: as it is, or that the file system is read-only. Errc::no_space.
[[nodiscard]] Error disk_error(const std::string& place, const Error& error);
/// A failed system call in `place`: EROFS, EIO, EMFILE and their kin as disk_error(), others as they are.
[[nodiscard]] Error call_error(const std::string& place, int number, std::string_view what);

/// Removes what the trials of processes that were killed left in the folders. Call it under the SpoolLock.
[[nodiscard]] Result<void> sweep_trials(Files& files, const SpoolLayout& layout);

/// Proves that spool and ledger belong together by the id that both hold, and that the ledger has come as far
/// as the spool remembers; gives a new pair an id.
/// Errc::corrupt, naming `usherd doctor`, when they do not. Call it under the SpoolLock, before anything is
/// claimed. Blocks.
[[nodiscard]] Result<void> match_spool(Files& files, const SpoolLayout& layout, Ledger& ledger);

/// The id that the spool holds; empty where it has none. Blocks.
[[nodiscard]] Result<std::string> read_spool_id(Files& files, const SpoolLayout& layout);
/// Makes spool and ledger a pair by a new id, whatever either was before: for an operator who knows that they
/// are one.
[[nodiscard]] Result<void> make_pair(Files& files, const SpoolLayout& layout, Ledger& ledger);

/// Bytes that an unprivileged process may still write below `directory`. Errc::no_space when hardly an inode
/// is left. Blocks.
[[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& directory);

}  // namespace usherd
