#ifndef EIGEN_ORDERINGMETHODS_MODULE_H
#error "Please include Eigen/OrderingMethods instead of including headers inside the src directory directly."
#endif
