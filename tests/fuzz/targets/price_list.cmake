weir_fuzz(price_list LIBRARIES weir::metering)
