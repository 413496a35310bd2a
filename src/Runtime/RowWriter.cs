namespace FastBatch;

/// <summary>
/// Writes one request's row in place, in the memory the model will read. The row is zeroed before (see
/// <see cref="BatcherOptions.ZeroRows"/>). Called once, synchronously, inside
/// <c>SubmitAsync</c>; rows submitted later by others wait for it, so it must not block. Pass a <see langword="static"/> lambda: then
/// nothing is allocated.
/// </summary>
/// <typeparam name="T">The element type of the row.</typeparam>
/// <typeparam name="TState">What the caller passes through.</typeparam>
/// <param name="state">The value given to <c>SubmitAsync</c>.</param>
/// <param name="row">The row, in row-major order. Not to be kept.</param>
public delegate void RowWriter<T, in TState>(TState state, Span<T> row)
    where TState : allows ref struct;
