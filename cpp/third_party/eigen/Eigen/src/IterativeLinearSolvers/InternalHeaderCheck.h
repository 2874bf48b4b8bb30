#ifndef EIGEN_ITERATIVELINEARSOLVERS_MODULE_H
#error "Please include Eigen/IterativeLinearSolvers instead of including headers inside the src directory directly."
#endif
