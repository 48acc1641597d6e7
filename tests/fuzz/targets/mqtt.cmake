weir_fuzz(mqtt_packet LIBRARIES weir::mqtt)
weir_fuzz(mqtt_connection LIBRARIES weir::mqtt)
weir_fuzz(topic_index LIBRARIES weir::base)
