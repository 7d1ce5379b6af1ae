"""What several tests need: pictures, real weights, sockets, a real server, a real browser."""
