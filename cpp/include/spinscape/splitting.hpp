// The sampled Gaussian couplings of a form as a sum of independent Gaussian parts.
#pragma once

#include <memory>
#include <vector>

#include "spinscape/contraction.hpp"

namespace spinscape {

// Parts of the form (shape, disorder); see fill_parts. They are float32 values, like the couplings themselves.
std::vector<std::shared_ptr<Form>> split_form(const FormShape& shape, const Disorder& disorder, std::uint64_t seed,
                                              int parts, const Run& run);

}  // namespace spinscape
