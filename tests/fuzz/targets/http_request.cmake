weir_fuzz(http_request LIBRARIES weir::http weir::websocket)
