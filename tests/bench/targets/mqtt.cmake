weir_bench(mqtt_codec LIBRARIES weir::mqtt)
