weir_fuzz(amqp_sections LIBRARIES weir::amqp)
weir_fuzz(amqp_connection LIBRARIES weir::amqp)
