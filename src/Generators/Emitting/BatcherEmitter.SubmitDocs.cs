using System.Linq;

namespace FastBatch.Generators.Emitting;

/// <summary>The documentation of SubmitAsync, which says the shapes that its signature cannot.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitSubmitDocs(SubmitForm form)
    {
        _writer.Line($"/// <summary>{Summary(form)}</summary>");
        if (form.InPlace)
        {
            _writer.Lines($"""
                /// <typeparam name="{_names.State}">What <paramref name="{form.Write}"/> is given.</typeparam>
                /// <param name="{form.State}">Passed on to <paramref name="{form.Write}"/>.</param>
                /// <param name="{form.Write}">
                /// Writes the row, which is zeroed before (unless BatcherOptions.ZeroRows is off): {WrittenRow}.
                /// It runs before this returns and must not block. A static lambda costs no allocation.
                /// </param>
                """);
        }

        foreach (NamedParameter input in form.Inputs)
        {
            _writer.Line(input.IsScalar
                ? $"/// <param name=\"{input.Name}\">One value.</param>"
                : $"/// <param name=\"{input.Name}\">One row: {RowText.Shape(input)}; copied before this returns.</param>");
        }

        foreach (NamedParameter output in form.Memories)
        {
            string text = $"Where the result goes: {RowText.Shape(output)}; the batcher's until the task has ended.";
            _writer.Line($"/// <param name=\"{output.Name}\">{text}</param>");
        }

        if (form.HasOptions)
        {
            _writer.Line($"/// <param name=\"{form.Options}\">What this request asks for.</param>");
        }

        _writer.Line($"/// <param name=\"{form.CancellationToken}\">Ends the request early.</param>");
        _writer.Line($"/// <returns>{Returned(form)} Await it once.</returns>");
        if (form.Arrays.Count > 0)
        {
            string rows = string.Join(" or ", form.Arrays.Select(static array => $"<paramref name=\"{array.Name}\"/>"));
            _writer.Line($"/// <exception cref=\"global::System.ArgumentException\">{rows} has another length.</exception>");
        }
    }

    private string WrittenRow => _method.HasRowType
        ? string.Join("; ", _names.Inputs.Select(static input => $"<c>{input.Property}</c>, {RowText.Shape(input)}"))
        : RowText.Shape(_names.Inputs[0]);

    private static string Summary(SubmitForm form)
    {
        string write = $"<paramref name=\"{form.Write}\"/>";
        return (form.InPlace, form.Leases) switch
        {
            (false, false) => "Submits one request.",
            (false, true) => "Submits one request, whose result is read in place, in the pooled memory the method wrote.",
            (true, false) => $"Submits one request, whose row {write} writes in place, in the memory the method reads.",
            (true, true) => $"Submits one request, whose row {write} writes in place and whose result is read in place.",
        };
    }

    private string Returned(SubmitForm form)
    {
        if (form.Leases)
        {
            return _method.HasLeaseType
                ? $"{Sentence(RowText.Names(_names.AllOutputs))}, to be disposed soon."
                : $"{Sentence(RowText.Names(_names.ArrayOutputs))}: {RowText.Shape(_names.ArrayOutputs[0])}; to be disposed soon.";
        }

        return _names.ScalarOutputs.Count == 0
            ? "Ends when the result is written."
            : $"{Sentence(RowText.Names(_names.ScalarOutputs))}{(_names.ArrayOutputs.Count == 0 ? "" : ", when the rest is written")}.";

        static string Sentence(string names) => $"The request's {names}";
    }
}
