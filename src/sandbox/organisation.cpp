#include "src/sandbox/organisation.hpp"

#include "src/sandbox/json_text.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace usherd::sandbox {

Organisation::Organisation(Settings initial, std::string key, std::uint64_t seed)
    : settings(std::move(initial)), random(seed), access(std::move(key)) {}

void Organisation::tick(WallTime now) {
  // Jobs that were let in by the end of others may be due too by now.
  for (auto due = jobs.take_due(now, settings, random); !due.empty();
       due = jobs.take_due(now, settings, random))
    finish(std::move(due));
  if (settings.retention.count() > 0)
    jobs.forget(now, settings.retention);
}

std::size_t Organisation::finish_jobs(WallTime now, std::string_view id) {
  auto ended = jobs.take_now(now, id, settings, random);
  const std::size_t count = ended.size();
  finish(std::move(ended));
  return count;
}

Job& Organisation::enter(Job job, WallTime now) {
  std::sort(job.users.begin(), job.users.end());
  job.users.erase(std::unique(job.users.begin(), job.users.end()), job.users.end());
  in_flight.enter(job.users);
  ++counts_.jobs_created;
  counts_.records_received += job.records;
  book.job_made(job.key, job.id);
  Job& entered = jobs.enter(std::move(job), now, settings, random);
  counts_.peak_in_progress_batches = std::max(counts_.peak_in_progress_batches, jobs.in_progress_batches());
  counts_.peak_in_progress_operations =
      std::max(counts_.peak_in_progress_operations, jobs.in_progress_operations());
  return entered;
}

void Organisation::shuffle(std::vector<Job*>& jobs_to_apply) {
  for (std::size_t i = jobs_to_apply.size(); i > 1; --i)
    std::swap(jobs_to_apply[i - 1], jobs_to_apply[random.up_to(i - 1)]);
}

void Organisation::finish(std::vector<Job*> ended) {
  if (settings.apply_order == ApplyOrder::random)
    shuffle(ended);
  for (Job* job : ended)
    apply(*job);
}

void Organisation::apply(Job& job) {
  in_flight.leave(job.users);
  release(job.users);
  if (job.fate == JobFate::ordinary || job.fate == JobFate::vanished_applied || job.fate == JobFate::stuck) {
    apply_records(job);
    book.applied(job.key, job.digest, job.imports.size());
    counts_.records_applied += job.imports.size();
    counts_.records_failed += job.errors.size();
  } else {
    release(job.errors);
  }
  release(job.body);
  release(job.bad);
}

void Organisation::apply_records(Job& job) {
  const auto document = parser.parse(job.body);
  const auto requests = document ? requests_of(*document) : Result<simdjson::dom::array>(document.error());
  if (!requests)
    return;
  std::vector<simdjson::dom::element> good;
  good.reserve(job.records);
  std::uint32_t index = 0;
  auto bad = job.bad.begin();
  for (const simdjson::dom::element record : *requests) {
    if (bad != job.bad.end() && *bad == index) {
      ++bad;
    } else {
      good.push_back(record);
    }
    ++index;
  }
  if (settings.apply_order == ApplyOrder::random) {
    for (std::size_t i = good.size(); i > 1; --i)
      std::swap(good[i - 1], good[random.up_to(i - 1)]);
  }
  for (const simdjson::dom::element record : good)
    apply_record(job, record);
}

void Organisation::apply_record(Job& job, simdjson::dom::element record) {
  const RecordView view = view_record(record.get_object().value_unsafe());
  if (!settings.store_users) {
    job.imports.add_key(view.key());
    return;
  }
  const auto applied = users.apply(view, settings);
  if (!applied.fault) {
    job.imports.users.push_back(applied.user);
    return;
  }
  RecordError error;
  error.code = std::string(applied.fault->code);
  error.message = applied.fault->message;
  append_json(error.user, record);
  job.errors.push_back(std::move(error));
}

void Organisation::reset() {
  jobs.clear();
  users.clear();
  in_flight.clear();
  kept_answers.clear();
  book = KeyBook();
  limiter.reset();
  counts_ = Oracle();
  counts_.sessions = open_sessions_;
  counts_.max_sessions = open_sessions_;
  wait_until_.reset();
}

void Organisation::arrived(Call call, WallTime now) {
  ++counts_.requests[static_cast<std::size_t>(call)];
  // What was already on its way when the 429 left the server cannot have obeyed it.
  if (wait_until_ && now < *wait_until_ && now >= told_at_ + settings.early_grace)
    ++counts_.early_after_retry_after;
}

void Organisation::answered(Call call, unsigned status) {
  ++counts_.codes[std::string(name_of(call))][status];
  if (status == 429)
    ++counts_.answered_429;
}

void Organisation::told_to_wait(WallTime now, std::optional<WallTime> until) {
  if (!until || (wait_until_ && *wait_until_ >= *until))
    return;
  told_at_ = wait_until_ && now < *wait_until_ ? told_at_ : now;
  wait_until_ = until;
}

void Organisation::posted(std::string_view key, std::uint64_t digest) {
  ++counts_.posts;
  book.posted(key, digest);
}

void Organisation::session_opened() {
  ++counts_.sessions;
  counts_.max_sessions = std::max(counts_.max_sessions, ++open_sessions_);
}

Oracle Organisation::oracle() const {
  Oracle oracle = counts_;
  oracle.applied_twice = book.applied_twice();
  oracle.bodies_applied_twice = book.bodies_applied_twice();
  oracle.most_posts_by_key = book.most_posts();
  oracle.keys = book.keys().size();
  oracle.keys_with_two_bodies = book.with_two_bodies();
  oracle.users_in_two_jobs = in_flight.in_two_jobs();
  oracle.users = users.size();
  return oracle;
}

Quirks Organisation::quirks() const {
  Quirks quirks;
  quirks.omit_defaults = settings.omit_defaults;
  quirks.explicit_nulls = settings.explicit_nulls;
  quirks.extra_fields = settings.extra_fields;
  quirks.shuffle_fields = settings.shuffle_fields;
  return quirks;
}

std::string Organisation::new_job_id(std::uint64_t number) {
  return fmt::format("{:06x}/{:x}=", random.up_to(0xFF'FFFF), number);
}

}  // namespace usherd::sandbox
