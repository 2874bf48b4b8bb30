#include "spinscape/splitting.hpp"

#include <algorithm>

namespace spinscape {

std::vector<std::shared_ptr<Form>> split_form(const FormShape& shape, const Disorder& disorder, std::uint64_t seed,
                                              int parts, const Run& run) {
  constexpr std::int64_t chunk = 1 << 14;
  const std::int64_t entries = shape.entries();
  std::vector<std::vector<float>> packed(parts, std::vector<float>(entries));
  parallel_for(run, (entries + chunk - 1) / chunk, [&](std::int64_t item) {
    const std::int64_t first = item * chunk;
    std::vector<float*> out;
    for (std::vector<float>& part : packed) out.push_back(part.data() + first);
    fill_parts(disorder, seed, parts, first, std::min(chunk, entries - first), out.data(), run);
  });
  std::vector<std::shared_ptr<Form>> forms;
  for (std::vector<float>& part : packed) {
    forms.push_back(std::make_shared<Form>(shape, part.data(), run));
    std::vector<float>().swap(part);  // the form has its own copy
  }
  return forms;
}

}  // namespace spinscape
