namespace FastBatch.Generators.Emitting;

/// <summary>The leased row of several outputs. A single output has the runtime's RowLease.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitLease()
    {
        if (!_method.HasLeaseType)
        {
            return;
        }

        _writer.Line();
        _writer.Open($"""
            /// <summary>
            /// One request's results, read in place in the pooled memory the method wrote. Dispose it soon: it keeps its whole batch's
            /// outputs from being used again. Copies share one lease; disposing it twice does nothing.
            /// </summary>
            public readonly struct {_names.Lease} : global::System.IDisposable
            """);
        _writer.Lines($$"""
            private readonly {{_names.Outputs}}? _outputs;
            private readonly global::FastBatch.Lanes.RowHandle _handle;

            internal {{_names.Lease}}(global::FastBatch.Lanes.OutputSlab outputs, int row)
            {
                _outputs = ({{_names.Outputs}})outputs;
                _handle = outputs.Lend(row);
            }
            """);
        foreach (NamedParameter output in _names.AllOutputs)
        {
            string rows = $"{_names.Held}.{output.Member}.Row(_handle)";
            _writer.Line();
            _writer.Lines($"""
                /// <summary>{RowText.Sentence(output)} Not to be used after <see cref="Dispose"/>.</summary>
                /// <exception cref="global::System.ObjectDisposedException">The lease was disposed, or is empty.</exception>
                """);
            _writer.Line(output.IsScalar
                ? $"public {output.Element} {output.Property} => {rows}[0];"
                : $"public global::System.ReadOnlySpan<{output.Element}> {output.Property} => {rows};");
        }

        _writer.Line();
        _writer.Lines($"""
            private {_names.Outputs} {_names.Held} => _outputs
                ?? throw new global::System.ObjectDisposedException(nameof({_names.Lease}), "The lease is empty: it never held a row.");

            /// <summary>Gives the row back.</summary>
            public void Dispose() => _handle.Dispose();
            """);
        _writer.Close();
    }
}
