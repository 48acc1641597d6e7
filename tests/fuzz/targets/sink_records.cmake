weir_fuzz(sink_records LIBRARIES weir::sinks)
