weir_test(http_client_tls_test LABELS integration threat.T-22
  LIBRARIES weir::http_client weir_test_support OpenSSL::SSL OpenSSL::Crypto
  SOURCES integration/http_client_tls_test.cpp)
