#include "src/sandbox/api.hpp"
#include "src/sandbox/batch_intake.hpp"
#include "src/sandbox/setting_words.hpp"
#include "src/sandbox/user_json.hpp"
#include "usherd/core/timestamp.hpp"

namespace usherd::sandbox {
namespace {

JobFate fate_of(const std::optional<FaultRule>& fault) {
  if (!fault)
    return JobFate::ordinary;
  switch (fault->action) {
    case FaultAction::job_stuck:
      return JobFate::stuck;
    case FaultAction::job_vanish:
      return JobFate::vanished;
    case FaultAction::job_vanish_applied:
      return JobFate::vanished_applied;
    case FaultAction::job_fail:
      return JobFate::failed;
    default:
      return JobFate::ordinary;
  }
}

std::string_view status_word(const Job& job, const Settings& settings) {
  if (job.state != JobState::done)
    return settings.processing_word;
  if (!job.word.empty())
    return job.word;
  if (job.fate == JobFate::failed)
    return "FAILED";
  return job.errors.empty() ? "COMPLETED" : word(settings.status_with_errors);
}

}  // namespace

ApiAnswer Api::create(ApiRequest& request, std::uint64_t digest, const std::optional<FaultRule>& fault,
                      WallTime now) {
  const auto document = org_.parser.parse(request.body);
  if (!document)
    return error_answer(400, "invalid_argument", document.error().message);
  const auto requests = requests_of(*document);
  if (!requests) {
    const bool missing = requests.error().code == Errc::not_found;
    return error_answer(400, missing ? "required_field" : "invalid_argument", requests.error().message);
  }
  Intake intake = take_in(*requests, org_.settings, org_.random);
  if (intake.refused)
    return std::move(*intake.refused);
  if (org_.jobs.is_full(intake.records, org_.settings))
    return too_many("Too many batches or operations in progress", now);
  Job job;
  job.number = org_.next_job_number();
  job.id = org_.new_job_id(job.number);
  job.key = request.idempotency_key;
  job.digest = digest;
  job.records = intake.records;
  job.body = std::move(request.body);
  job.bad = std::move(intake.bad);
  job.errors = std::move(intake.errors);
  job.users = std::move(intake.users);
  job.fate = fate_of(fault);
  if (fault && fault->action == FaultAction::job_status)
    job.word = fault->word;
  const Job& made = org_.enter(std::move(job), now);
  ApiAnswer answer;
  answer.body = fields().json("job", job_json(made)).str();
  return answer;
}

std::string Api::job_json(const Job& job) {
  JsonFields out = fields();
  out.text("id", job.id)
      .text("status", status_word(job, org_.settings))
      .text("created", format_rfc3339(job.created));
  if (job.state == JobState::done) {
    out.text("finished", format_rfc3339(job.finished));
  } else {
    out.nothing("finished");
  }
  return out.str();
}

Job* Api::visible_job(const std::string& id) {
  Job* job = org_.jobs.find(id);
  return job != nullptr && job->is_visible() ? job : nullptr;
}

ApiAnswer Api::status(const ApiRequest& request) {
  const Job* job = visible_job(request.route.id);
  if (job == nullptr)
    return error_answer(404, "resource_not_found", "The job does not exist");
  std::uint64_t imports = job->imports.size();
  std::uint64_t errors = job->errors.size();
  if (job->state != JobState::done) {
    const bool partial = org_.settings.processing_counts == ProcessingCounts::partial;
    imports = partial ? (job->records - job->bad.size()) / 2 : 0;
    errors = partial ? job->bad.size() : 0;
  } else if (!org_.settings.ended_counts) {
    imports = errors = 0;
  }
  ApiAnswer answer;
  answer.body =
      fields().number("imports", imports).number("errors", errors).json("job", job_json(*job)).str();
  return answer;
}

ApiAnswer Api::imports(const ApiRequest& request, WallTime now) {
  Job* job = visible_job(request.route.id);
  if (job == nullptr)
    return error_answer(404, "resource_not_found", "The job does not exist");
  ApiAnswer answer;
  if (job->state != JobState::done || job->lag_imports > 0) {
    job->lag_imports -= job->state == JobState::done ? 1 : 0;
    answer.status = 202;
    return answer;
  }
  const bool include_schema = request.target.parameter("include_schema") == "true";
  const Item item = [&](std::string& out, std::size_t index) {
    out += import_json(*job, index, include_schema);
  };
  return page(request, job->number * 2, job->imports.size(), item, now);
}

ApiAnswer Api::errors(const ApiRequest& request, WallTime now) {
  Job* job = visible_job(request.route.id);
  if (job == nullptr)
    return error_answer(404, "resource_not_found", "The job does not exist");
  ApiAnswer answer;
  if (job->state != JobState::done || job->lag_errors > 0) {
    job->lag_errors -= job->state == JobState::done ? 1 : 0;
    answer.status = 202;
    return answer;
  }
  const std::size_t size = org_.settings.errors_listed == ErrorsListed::none ? 0 : job->errors.size();
  if (size == 0 && org_.settings.empty_errors == EmptyErrors::not_found)
    return error_answer(404, "resource_not_found", "The job has no errors");
  const Item item = [&](std::string& out, std::size_t index) {
    const RecordError& error = job->errors[index];
    out += fields().text("message", error.message).text("code", error.code).json("user", error.user).str();
  };
  return page(request, job->number * 2 + 1, size, item, now);
}

std::string Api::import_json(const Job& job, std::size_t index, bool include_schema) {
  if (index < job.imports.users.size()) {
    const UserStore::Number user = job.imports.users[index];
    return user_json(org_.users, user, include_schema, org_.quirks(), org_.random);
  }
  const std::string_view key = job.imports.key_at(index - job.imports.users.size());
  return fields().text("id", unstored_id(key)).text("uid", key).str();
}

}  // namespace usherd::sandbox
