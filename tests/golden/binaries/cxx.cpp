#include <stdexcept>
extern "C" int words(int n) { if (n < 0) throw std::runtime_error("negative"); return n; }
