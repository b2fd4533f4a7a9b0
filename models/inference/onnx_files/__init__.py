"""Networks of ONNX files, run by ONNX Runtime in a process beside this one."""
