#pragma once

#include "usherd/settle/batch_verdict.hpp"

namespace usherd {

// Why all records of a batch end as unknown, by the codes that docs/rejects.md explains.
inline constexpr BatchVerdict::Why kFileChanged{"file_changed", "the file was changed after it was accepted"};
inline constexpr BatchVerdict::Why kKeyExpired{
    "key_expired", "no answer within 23 hours; an anonymous record cannot be sent again"};
inline constexpr BatchVerdict::Why kJobTimeout{"job_abandoned",
                                               "the job did not end within limits.job_timeout"};
inline constexpr BatchVerdict::Why kResultsTimeout{
    "job_abandoned", "the job ended, but its errors could not be read within limits.job_timeout"};
inline constexpr BatchVerdict::Why kVanishedTimeout{
    "job_abandoned",
    "the API does not find the job that it made, and brought no word of it within limits.job_timeout"};
inline constexpr BatchVerdict::Why kJobGivenUp{"job_abandoned", "the operator gave the job up"};
inline constexpr BatchVerdict::Why kJobVanished{"job_vanished", "the API does not find the job that it made"};
inline constexpr BatchVerdict::Why kServerErrors{"no_verdict", "the API kept answering with a server error"};
inline constexpr BatchVerdict::Why kFailsWhole{"no_verdict",
                                               "its job failed again and again and names no error"};

}  // namespace usherd
