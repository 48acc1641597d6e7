weir_fuzz(identity_x509 LIBRARIES weir::identity)
