#ifndef EIGEN_SPARSELU_MODULE_H
#error "Please include Eigen/SparseLU instead of including headers inside the src directory directly."
#endif
