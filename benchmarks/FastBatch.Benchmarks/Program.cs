using BenchmarkDotNet.Running;

// Costs in nanoseconds, one operation at a time, on one thread. What a service sees is in FastBatch.LoadTests.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
