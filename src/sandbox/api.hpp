#pragma once

#include "src/sandbox/api_answer.hpp"
#include "src/sandbox/organisation.hpp"
#include "src/sandbox/page_token.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace usherd::sandbox {

/// The API itself: a request in, an answer out, the organisation changed. No I/O. The organisation must
/// outlive it.
class Api {
 public:
  explicit Api(Organisation& organisation) : org_(organisation) {}

  /// The fault that strikes a request before its body is known.
  [[nodiscard]] std::optional<FaultRule> arrival_fault(Call call);
  [[nodiscard]] ApiAnswer answer(ApiRequest& request, WallTime now);

 private:
  [[nodiscard]] ApiAnswer guarded(ApiRequest& request, WallTime now);
  [[nodiscard]] ApiAnswer keyed(ApiRequest& request, WallTime now);
  [[nodiscard]] ApiAnswer executed(ApiRequest& request, std::uint64_t digest, WallTime now);
  [[nodiscard]] ApiAnswer routed(ApiRequest& request, WallTime now);
  [[nodiscard]] ApiAnswer too_many(std::string_view message, WallTime now);

  [[nodiscard]] ApiAnswer create(ApiRequest& request, std::uint64_t digest,
                                 const std::optional<FaultRule>& fault, WallTime now);
  [[nodiscard]] ApiAnswer status(const ApiRequest& request);
  [[nodiscard]] ApiAnswer imports(const ApiRequest& request, WallTime now);
  [[nodiscard]] ApiAnswer errors(const ApiRequest& request, WallTime now);
  [[nodiscard]] ApiAnswer me();

  [[nodiscard]] ApiAnswer user_write(ApiRequest& request);
  [[nodiscard]] ApiAnswer user_get(const ApiRequest& request);
  [[nodiscard]] ApiAnswer user_list(const ApiRequest& request);
  [[nodiscard]] ApiAnswer user_delete(const ApiRequest& request);

  /// One list of a job, page by page; `item` appends the JSON of one.
  using Item = std::function<void(std::string& out, std::size_t index)>;
  [[nodiscard]] ApiAnswer page(const ApiRequest& request, std::uint64_t list, std::size_t size,
                               const Item& item, WallTime now);
  [[nodiscard]] std::string job_json(const Job& job);
  [[nodiscard]] std::string import_json(const Job& job, std::size_t index, bool include_schema);
  [[nodiscard]] Job* visible_job(const std::string& id);
  [[nodiscard]] JsonFields fields() { return JsonFields(org_.quirks(), org_.random); }

  Organisation& org_;
};

}  // namespace usherd::sandbox
