weir_bench(net_echo LIBRARIES weir::net OpenSSL::SSL GTest::gtest)
