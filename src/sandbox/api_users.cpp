#include "src/sandbox/api.hpp"
#include "src/sandbox/user_json.hpp"

#include <fmt/format.h>

namespace usherd::sandbox {
namespace {

ApiAnswer no_such_user() {
  return error_answer(404, "resource_not_found", "The user does not exist");
}

bool is_wanted(const User& user, const Target& target) {
  const auto equals = [&](std::string_view name, std::string_view value) {
    const auto wanted = target.parameter(name);
    return !wanted || *wanted == value;
  };
  const auto identified = target.parameter("is_identified");
  return !user.deleted && equals("uid", user.uid) && equals("email", user.email) &&
         equals("display_name", user.display_name) &&
         (!identified || (*identified == "true") == user.identified);
}

}  // namespace

ApiAnswer Api::user_write(ApiRequest& request) {
  const auto document = org_.parser.parse(request.body);
  simdjson::dom::object object;
  if (!document || document->get(object) != simdjson::SUCCESS)
    return error_answer(400, "invalid_argument", "the request body is not a JSON object");
  RecordView view = view_record(object);
  if (auto wrong = check_record(view, org_.settings))
    return error_answer(400, wrong->code, wrong->message);
  if (request.route.call == Call::user_update) {
    if (!org_.users.find_id(request.route.id))
      return no_such_user();
    view.id = request.route.id;
  }
  const auto applied = org_.users.apply(view, org_.settings);
  if (applied.fault)
    return error_answer(400, applied.fault->code, applied.fault->message);
  ApiAnswer answer;
  answer.body = fields().text("id", UserStore::id_of(applied.user)).str();
  return answer;
}

ApiAnswer Api::user_get(const ApiRequest& request) {
  const auto user = org_.users.find_id(request.route.id);
  if (!user)
    return no_such_user();
  ApiAnswer answer;
  const bool include_schema = request.target.parameter("include_schema") == "true";
  answer.body = user_json(org_.users, *user, include_schema, org_.quirks(), org_.random);
  return answer;
}

ApiAnswer Api::user_list(const ApiRequest& request) {
  std::vector<UserStore::Number> found;
  if (const auto uid = request.target.parameter("uid")) {
    const auto user = org_.users.find_uid(*uid);
    if (user && is_wanted(org_.users.at(*user), request.target))
      found.push_back(*user);
  } else {
    for (UserStore::Number user = 0; user < org_.users.end(); ++user) {
      if (is_wanted(org_.users.at(user), request.target))
        found.push_back(user);
    }
  }
  const bool include_schema = request.target.parameter("include_schema") == "true";
  const Item item = [&](std::string& out, std::size_t index) {
    out += user_json(org_.users, found[index], include_schema, org_.quirks(), org_.random);
  };
  return page(request, 0, found.size(), item, {});
}

ApiAnswer Api::user_delete(const ApiRequest& request) {
  const auto uid = request.target.parameter("uid");
  const auto user =
      request.route.id.empty() ? org_.users.find_uid(uid.value_or("")) : org_.users.find_id(request.route.id);
  if (!user)
    return no_such_user();
  org_.users.remove(*user);
  ApiAnswer answer;
  answer.body = "{}";
  return answer;
}

}  // namespace usherd::sandbox
