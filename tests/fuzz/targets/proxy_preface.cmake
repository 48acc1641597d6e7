weir_fuzz(proxy_preface LIBRARIES weir::proxy)
