weir_fuzz(gateway_connection LIBRARIES weir::endpoints weir::document weir::rules)
