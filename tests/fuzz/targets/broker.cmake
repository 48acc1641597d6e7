weir_fuzz(broker_principal LIBRARIES weir::broker)
